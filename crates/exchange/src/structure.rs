//! A file as its bytes are, before any library interprets it: every object, every text, every byte accounted for.
//!
//! Libraries show what they understand. A user block, a deleted attribute, a hole between two arrays or an attribute
//! that the library keeps for itself stay unseen, and leave with the file. Here a file is walked by its format's own
//! description instead; what the walk does not reach is reported, and what it does not understand too.

/// Formats that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NetCDF classic, 64-bit offset or 64-bit data.
    Classic,
    /// HDF5, so NetCDF-4 too.
    Hdf5,
    /// GRIB, either edition.
    Grib,
    /// Anything else.
    Unknown,
}

/// Something a plain field file does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OddityKind {
    /// Bytes before the file proper.
    UserBlock,
    /// Bytes that are not zero and belong to nothing.
    UnaccountedBytes,
    /// As that, but short, and their texts are pieces of texts the file shows: what libraries leave when they move things.
    Residue,
    /// Two objects claim the same bytes.
    Overlap,
    /// A group below the root.
    Group,
    /// A symbolic link inside the file.
    SoftLink,
    /// A link into another file, or values kept in one.
    ExternalLink,
    /// A type made by a user: compound, opaque, enumeration, bit field, committed type.
    UserType,
    /// Sequences of any length, in an attribute or as values.
    VariableLength,
    /// References to objects or regions outside the bookkeeping of dimensions.
    Reference,
    /// A filter other than deflate, shuffle and fletcher32.
    Filter,
    /// A comment on an object.
    Comment,
    /// An attribute of the library's own that does not look as the library writes it.
    HiddenAttribute,
    /// Text that is not UTF-8.
    NotUtf8,
    /// The description of the format was not followed, or goes beyond what is read here.
    NotUnderstood,
}

impl OddityKind {
    /// The reason code in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::UserBlock => "user_block",
            Self::UnaccountedBytes => "unaccounted_bytes",
            Self::Residue => "library_residue",
            Self::Overlap => "overlapping_objects",
            Self::Group => "group",
            Self::SoftLink => "soft_link",
            Self::ExternalLink => "external_link",
            Self::UserType => "user_type",
            Self::VariableLength => "variable_length",
            Self::Reference => "reference",
            Self::Filter => "filter",
            Self::Comment => "object_comment",
            Self::HiddenAttribute => "hidden_attribute",
            Self::NotUtf8 => "not_utf8",
            Self::NotUnderstood => "not_understood",
        }
    }
}

/// One of them. The place is said in ordinals and offsets, because names may be what leaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// What it is.
    pub kind: OddityKind,
    /// Where it is.
    pub place: String,
    /// How many bytes it has.
    pub bytes: u64,
}

/// A text found in the file, with a place that does not repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it is.
    pub place: String,
    /// The text.
    pub value: String,
}

/// What the walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The format.
    pub format: Format,
    /// Length of the file.
    pub bytes: u64,
    /// How many objects were met: dimensions, variables, attributes, groups.
    pub objects: usize,
    /// What is not as it should be.
    pub oddities: Vec<Oddity>,
    /// All texts: names and values.
    pub texts: Vec<Text>,
}

impl Structure {
    /// An empty one.
    pub(crate) fn new(format: Format, bytes: &[u8]) -> Self {
        Self { format, bytes: bytes.len() as u64, objects: 0, oddities: Vec::new(), texts: Vec::new() }
    }

    pub(crate) fn odd(&mut self, kind: OddityKind, place: impl Into<String>, bytes: u64) {
        self.oddities.push(Oddity { kind, place: place.into(), bytes });
    }

    /// Keeps a text; bytes that are no UTF-8 are an oddity and kept with their other characters.
    pub(crate) fn text(&mut self, place: &str, bytes: &[u8]) -> String {
        if std::str::from_utf8(bytes).is_err() {
            self.odd(OddityKind::NotUtf8, place, bytes.len() as u64);
        }
        let value = String::from_utf8_lossy(bytes).into_owned();
        self.texts.push(Text { place: place.to_owned(), value: value.clone() });
        value
    }

    /// Whether there is an oddity of that kind.
    pub fn has(&self, kind: OddityKind) -> bool {
        self.oddities.iter().any(|o| o.kind == kind)
    }
}

/// Walks a file.
///
/// ```
/// use knarr_exchange::structure::{Format, inspect};
/// assert_eq!(inspect(b"GRIB....").format, Format::Grib);
/// ```
pub fn inspect(bytes: &[u8]) -> Structure {
    if bytes.starts_with(b"CDF") {
        return crate::classic::inspect(bytes);
    }
    if let Some(base) = crate::hdf5::signature(bytes) {
        return crate::hdf5::inspect(bytes, base);
    }
    let format = if bytes.starts_with(b"GRIB") { Format::Grib } else { Format::Unknown };
    let mut structure = Structure::new(format, bytes);
    structure.odd(OddityKind::NotUnderstood, "the whole file", structure.bytes);
    structure
}

/// Spans of a file that belong to something.
#[derive(Debug, Default)]
pub(crate) struct Spans(Vec<(usize, usize)>);

impl Spans {
    pub(crate) fn claim(&mut self, start: usize, len: usize) {
        if len > 0 {
            self.0.push((start, start + len));
        }
    }

    /// Reports overlaps, and stretches outside all spans that are not zero. Before `library_until` they may be what a
    /// library left behind.
    pub(crate) fn settle(mut self, bytes: &[u8], library_until: usize, structure: &mut Structure) {
        // A stretch that reaches over the end is two.
        self.0.extend([(library_until.min(bytes.len()), library_until.min(bytes.len())), (bytes.len(), bytes.len())]);
        self.0.sort_unstable();
        let known = known_words(structure);
        let mut reached = 0;
        for (start, end) in self.0 {
            if start < reached {
                structure.odd(OddityKind::Overlap, format!("offset {start}"), (reached.min(end) - start) as u64);
            } else {
                let gap = bytes.get(reached..start).unwrap_or_default();
                if gap.iter().any(|&b| b != 0) {
                    let within = start <= library_until;
                    let kind = if within { residue_or_worse(gap, &known) } else { OddityKind::UnaccountedBytes };
                    structure.odd(kind, format!("offset {reached}"), gap.len() as u64);
                }
            }
            reached = reached.max(end);
        }
    }
}

/// Libraries leave no longer stretches than a header's block; more may be anything.
const RESIDUE_LIMIT: usize = 1024;
/// Shorter runs of printable characters are met in numbers and checksums.
const RUN: usize = 6;

/// Texts of the file, and words that the formats are made of.
fn known_words(structure: &Structure) -> String {
    let library = "OHDR OCHK TREE SNOD HEAP GCOL FRHP FHDB FHIB BTHD BTLF BTIN FSHD FSSE CLASS DIMENSION_SCALE NAME \
        REFERENCE_LIST DIMENSION_LIST dataset dimension _Netcdf4Dimid _Netcdf4Coordinates _NCProperties _nc3_strict deflate \
        shuffle fletcher32 This is a netCDF dimension but not a netCDF variable.          0123456789";
    structure.texts.iter().fold(library.to_owned(), |known, text| known + "\n" + &text.value)
}

fn residue_or_worse(gap: &[u8], known: &str) -> OddityKind {
    let piece = |run: &[u8]| {
        // A neighbouring number may look like a letter or four.
        let text = String::from_utf8_lossy(run);
        let most = text.len().min(4);
        (0..=most).any(|cut| (0..=cut).any(|front| known.contains(&text[front..text.len() - (cut - front)])))
    };
    let printable = |b: &u8| (0x20..0x7f).contains(b);
    let runs = gap.split(|b| !printable(b)).filter(|run| run.len() >= RUN);
    // Every second byte a zero: the text of systems that use 16 bits a character.
    let wide = gap.windows(2 * RUN).any(|w| w.chunks(2).all(|pair| printable(&pair[0]) && pair[1] == 0));
    if gap.len() <= RESIDUE_LIMIT && !wide && runs.into_iter().all(piece) {
        OddityKind::Residue
    } else {
        OddityKind::UnaccountedBytes
    }
}
