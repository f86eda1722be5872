//! Typed values from the tree, with the place of what does not fit.

use super::{DocumentError, Entry, Kind, Node, Place, suggestion};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt::Display;

impl de::Error for DocumentError {
    fn custom<T: Display>(message: T) -> Self {
        let text = message.to_string();
        super::uncarried(&text).unwrap_or_else(|| Self::new(Place::default(), text))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        if expected.is_empty() {
            return Self::new(Place::default(), format!("unknown key `{field}`, there is no key here"));
        }
        Self::new(Place::default(), format!("unknown key `{field}`")).hint(suggestion(field, expected.iter().copied()))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Place::default(), format!("unknown choice `{variant}`")).hint(suggestion(variant, expected.iter().copied()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Place::default(), format!("the key `{field}` is missing"))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Bool(flag) => format!("`{flag}`"),
            Unexpected::Signed(n) => format!("the number {n}"),
            Unexpected::Float(n) => format!("the number {n}"),
            Unexpected::Map => "a map".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Unit => "nothing".to_owned(),
            other => other.to_string(),
        };
        Self::new(Place::default(), format!("found {found}, expected {expected}"))
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = DocumentError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DocumentError> {
        let place = self.place;
        match self.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Flag(v) => visitor.visit_bool(v),
            Kind::Whole(v) => visitor.visit_i64(v),
            Kind::Real(v) => visitor.visit_f64(v),
            Kind::Text(v) => visitor.visit_string(v),
            Kind::List(nodes) => visitor.visit_seq(Items(nodes.into_iter())),
            Kind::Map(entries) => visitor.visit_map(Entries { entries: entries.into_iter(), value: None }),
        }
        .map_err(|e: DocumentError| e.at(place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DocumentError> {
        match self.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DocumentError> {
        match self.kind {
            Kind::Whole(v) => visitor.visit_f64(v as f64).map_err(|e: DocumentError| e.at(self.place)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DocumentError> {
        visitor.visit_newtype_struct(self)
    }

    /// A place comes with its value: see [`super::Placed`].
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DocumentError> {
        if name == super::PLACED {
            let place = self.place;
            return visitor.visit_seq(PlacedParts { place, next: 0, node: Some(self) }).map_err(|e| e.at(place));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DocumentError> {
        let place = self.place;
        match self.kind {
            Kind::Text(name) => visitor.visit_enum(Choice { name, place, value: None }),
            Kind::Map(mut entries) if entries.len() == 1 => {
                let Entry { key, place, value } = entries.remove(0);
                visitor.visit_enum(Choice { name: key, place, value: Some(value) })
            }
            _ => Err(DocumentError::new(place, format!("found {}, expected a name or a map with one key", self.in_words()))),
        }
        .map_err(|e| e.at(place))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, DocumentError> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items(std::vec::IntoIter<Node>);

impl<'de> SeqAccess<'de> for Items {
    type Error = DocumentError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DocumentError> {
        let Some(node) = self.0.next() else { return Ok(None) };
        let place = node.place;
        seed.deserialize(node).map(Some).map_err(|e| e.at(place))
    }
}

struct Entries {
    entries: std::vec::IntoIter<Entry>,
    value: Option<(Place, Node)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = DocumentError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DocumentError> {
        let Some(Entry { key, place, value }) = self.entries.next() else { return Ok(None) };
        self.value = Some((place, value));
        let key = Node { place, kind: Kind::Text(key) };
        seed.deserialize(key).map(Some).map_err(|e| e.at(place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DocumentError> {
        let (place, node) = self.value.take().ok_or_else(|| DocumentError::new(Place::default(), "a value before its key"))?;
        seed.deserialize(node).map_err(|e| e.at(place))
    }
}

struct Choice {
    name: String,
    place: Place,
    value: Option<Node>,
}

impl<'de> EnumAccess<'de> for Choice {
    type Error = DocumentError;
    type Variant = ChoiceValue;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, ChoiceValue), DocumentError> {
        let place = self.place;
        let name = seed.deserialize(Node { place, kind: Kind::Text(self.name) }).map_err(|e| e.at(place))?;
        Ok((name, ChoiceValue { place, value: self.value }))
    }
}

struct ChoiceValue {
    place: Place,
    value: Option<Node>,
}

impl<'de> VariantAccess<'de> for ChoiceValue {
    type Error = DocumentError;

    fn unit_variant(self) -> Result<(), DocumentError> {
        match self.value {
            None | Some(Node { kind: Kind::Null, .. }) => Ok(()),
            Some(node) => Err(DocumentError::new(node.place, "this choice takes no value")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DocumentError> {
        let node = self.value.unwrap_or_else(Node::empty_map);
        seed.deserialize(node).map_err(|e| e.at(self.place))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DocumentError> {
        self.value.unwrap_or_else(Node::empty_map).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DocumentError> {
        let node = self.value.unwrap_or_else(Node::empty_map);
        node.deserialize_any(visitor).map_err(|e: DocumentError| e.at(self.place))
    }
}

/// Line, column and value of a node, for [`super::Placed`].
struct PlacedParts {
    place: Place,
    next: usize,
    node: Option<Node>,
}

impl<'de> SeqAccess<'de> for PlacedParts {
    type Error = DocumentError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DocumentError> {
        self.next += 1;
        let number = |n: u32| Node { place: self.place, kind: Kind::Whole(i64::from(n)) };
        let node = match self.next {
            1 => number(self.place.line),
            2 => number(self.place.column),
            _ => match self.node.take() {
                Some(node) => node,
                None => return Ok(None),
            },
        };
        seed.deserialize(node).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DocumentError, Length, Node, Placed};
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Ocean {
        depth: Length,
        #[serde(default)]
        scheme: Scheme,
        names: Option<Vec<Placed<String>>>,
        #[serde(default)]
        factor: Option<f64>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Scheme {
        #[default]
        Slab,
        Column {
            levels: u32,
        },
    }

    fn read(text: &str) -> Result<Ocean, DocumentError> {
        Node::parse(text)?.read()
    }

    #[test]
    fn values_come_typed_and_with_their_places() {
        let ocean = read("depth: 0.05 km\nscheme: {column: {levels: 7}}\nnames:\n  - no\n  - on\nfactor: 1e-6\n").expect("fits");
        assert_eq!(ocean.depth.get(), 50.0);
        assert_eq!(ocean.scheme, Scheme::Column { levels: 7 });
        let names = ocean.names.expect("given");
        // The traps of YAML: `no` and `on` are texts, `1e-6` is a number.
        assert_eq!(names.iter().map(|n| (n.value.as_str(), n.place.line)).collect::<Vec<_>>(), [("no", 4), ("on", 5)]);
        assert_eq!(ocean.factor, Some(1e-6));
        assert_eq!(read("depth: 2 m\nfactor: 3\n").expect("fits").factor, Some(3.0));
        let anchored = read("depth: &d 2 m\nnames: [*d]\n").expect("fits");
        assert_eq!(anchored.names.expect("given")[0].value, "2 m");
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_line() {
        let told = |text: &str| {
            let e = read(text).expect_err(text);
            format!("{}: {}{}", e.place.line, e.problem, e.hint.map(|h| format!("; {h}")).unwrap_or_default())
        };
        assert_eq!(told("depth: 2 m\nshceme: slab\n"), "2: unknown key `shceme`; did you mean `scheme`?");
        assert_eq!(told("depth: 2 m\n\nscheme: slap\n"), "3: unknown choice `slap`; did you mean `slab`?");
        assert_eq!(told("scheme: slab\n"), "1: the key `depth` is missing");
        assert_eq!(told("depth: 2 K\n"), "1: units `K` cannot become `m`, expected a number with units such as `50 m`");
        assert_eq!(told("depth: 50\n"), "1: found the number 50, expected a number with units such as `50 m`");
        assert_eq!(told("depth: deep\n"), "1: `deep` is no number with units, expected one such as `50 m`");
        assert_eq!(told("depth: 2 m\nnames: nobody\n"), "2: found `nobody`, expected a sequence");
        let twice = told("depth: 2 m\ndepth: 3 m\n");
        assert_eq!(twice, "2: the key `depth` is given twice");
        let open = told("depth: [2 m\n");
        assert!(!open.contains('\n'), "{open}");
    }
}
