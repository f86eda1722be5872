//! The tree.

use super::{DocumentError, Place, Placed};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::marker::PhantomData;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing: an empty value, `null` or `~`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order of the document.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The tree of a YAML document.
    ///
    /// # Errors
    /// [`DocumentError`] if it is no YAML, or a map has a key twice.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let options = serde_saphyr::options! {
            strict_booleans: true,
            duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
            with_snippet: false,
        };
        let parsed: Result<Spanned<Tree<Parsed>>, _> = serde_saphyr::from_str_with_options(text, options);
        match parsed {
            Ok(spanned) => Ok(Parsed::node(spanned)),
            Err(error) => {
                let place = error.location().map_or_else(Place::default, |l| place_of(&l));
                let text = error.to_string();
                // The place is told apart from the message.
                let end = [" at line ", " (line ", "\n"].iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
                let told = text[..end].trim_end_matches([',', ':']);
                let twice = told.strip_prefix("duplicate mapping key: ").map(|rest| rest.split(',').next().unwrap_or(rest));
                Err(DocumentError::new(place, twice.map_or(told.to_owned(), |key| format!("the key `{key}` is given twice"))))
            }
        }
    }

    /// A map without entries.
    pub fn empty_map() -> Self {
        Self { place: Place::default(), kind: Kind::Map(Vec::new()) }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// The tree read as `T`.
    ///
    /// # Errors
    /// [`DocumentError`] with the place of what does not fit.
    pub fn read<T: Deserialize<'static>>(self) -> Result<T, DocumentError> {
        T::deserialize(self)
    }

    /// What it is, in words.
    pub(crate) fn in_words(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Flag(v) => format!("`{v}`"),
            Kind::Whole(v) => format!("the number {v}"),
            Kind::Real(v) => format!("the number {v}"),
            Kind::Text(v) => format!("`{v}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }
}

/// How places come with values: the parser's way, and that of a tree which is read again.
trait Style {
    type Value<'de>: Deserialize<'de>;
    type Key<'de>: Deserialize<'de>;

    fn node(value: Self::Value<'_>) -> Node;
    fn key(key: Self::Key<'_>) -> (String, Place);
}

struct Parsed;

impl Style for Parsed {
    type Value<'de> = Spanned<Tree<Parsed>>;
    type Key<'de> = Spanned<String>;

    fn node(value: Self::Value<'_>) -> Node {
        Node { place: place_of(&value.referenced), kind: value.value.kind }
    }

    fn key(key: Self::Key<'_>) -> (String, Place) {
        let place = place_of(&key.referenced);
        (key.value, place)
    }
}

struct Again;

impl Style for Again {
    type Value<'de> = Node;
    type Key<'de> = Placed<String>;

    fn node(value: Node) -> Node {
        value
    }

    fn key(key: Placed<String>) -> (String, Place) {
        (key.value, key.place)
    }
}

fn place_of(location: &serde_saphyr::Location) -> Place {
    Place { line: location.line() as u32, column: location.column() as u32 }
}

/// A part of a document kept as it is, for those who know its form.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let placed = Placed::<Tree<Again>>::deserialize(deserializer)?;
        Ok(Self { place: placed.place, kind: placed.value.kind })
    }
}

impl schemars::JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "any".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

struct Tree<S> {
    kind: Kind,
    style: PhantomData<S>,
}

impl<'de, S: Style> Deserialize<'de> for Tree<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kind = deserializer.deserialize_any(Any::<S>(PhantomData))?;
        Ok(Self { kind, style: PhantomData })
    }
}

struct Any<S>(PhantomData<S>);

impl<'de, S: Style> Visitor<'de> for Any<S> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Whole(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Kind, E> {
        i64::try_from(value).map(Kind::Whole).map_err(|_| E::custom(format!("the number {value} is too large")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Real(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut nodes = Vec::new();
        while let Some(value) = list.next_element::<S::Value<'de>>()? {
            nodes.push(S::node(value));
        }
        Ok(Kind::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<S::Key<'de>>()? {
            let (key, place) = S::key(key);
            entries.push(Entry { key, place, value: S::node(map.next_value::<S::Value<'de>>()?) });
        }
        Ok(Kind::Map(entries))
    }
}
