//! Questions to the catalogue: what is GZ, what does DestinE call TT.

use super::{Catalogue, Convention, Field};

/// How well a field answers a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It has that name.
    Exact,
    /// The text is part of a name, of the title or of the products.
    Part,
}

/// The answer to a question.
#[derive(Clone, Debug)]
pub struct Hits<'a> {
    /// How the fields were found.
    pub strength: Strength,
    /// Fields, in the order of the catalogue, and which of their names was meant: `RPN name`, `GZ`.
    pub fields: Vec<(&'a Field, Vec<(&'static str, String)>)>,
    /// Names that look alike, where nothing was found.
    pub near: Vec<String>,
}

impl Catalogue {
    /// Fields that have `query` as a name (RPN, Datamart, NetCDF, short name, `paramId`, standard name, id), whatever
    /// the case; else those that have it in a name, the title, the domain or a product.
    pub fn search(&self, query: &str) -> Hits<'_> {
        let wanted = query.trim().to_lowercase();
        let mut fields = self
            .having(&|_, name| name.trim_end_matches(['*', '-', '_']).to_lowercase() == wanted || name.to_lowercase() == wanted);
        let mut strength = Strength::Exact;
        if fields.is_empty() && !wanted.is_empty() {
            strength = Strength::Part;
            let words: Vec<&str> = wanted.split([' ', '_']).filter(|w| !w.is_empty()).collect();
            let all_in = |text: &str| words.iter().all(|w| text.to_lowercase().contains(w));
            fields = self.having(&|_, name| all_in(name));
            for field in &self.fields {
                let domain = format!("{:?}", field.domain);
                let told =
                    all_in(&field.name) || all_in(&domain) || field.eccc.products.iter().any(|p| p.to_lowercase() == wanted);
                if told && !fields.iter().any(|(f, _)| f.id == field.id) {
                    fields.push((field, Vec::new()));
                }
            }
            let place = |field: &Field| self.fields.iter().position(|f| f.id == field.id);
            fields.sort_by_key(|(field, _)| place(field));
        }
        let near = if fields.is_empty() {
            let all: Vec<String> = self.fields.iter().flat_map(|f| names(f).into_iter().map(|(_, name)| name)).collect();
            knarr_field::near(query, all.iter().map(String::as_str))
        } else {
            Vec::new()
        };
        Hits { strength, fields, near }
    }

    fn having(&self, is_meant: &dyn Fn(&'static str, &str) -> bool) -> Vec<(&Field, Vec<(&'static str, String)>)> {
        self.fields
            .iter()
            .map(|field| (field, names(field).into_iter().filter(|(kind, name)| is_meant(kind, name)).collect::<Vec<_>>()))
            .filter(|(_, meant)| !meant.is_empty())
            .collect()
    }
}

/// All names of a field, and what kind of name each is.
pub(super) fn names(field: &Field) -> Vec<(&'static str, String)> {
    let mut names = vec![("id", field.id.clone())];
    names.extend(field.cf.standard_name.iter().map(|n| ("CF standard name", n.clone())));
    names.extend(field.eccc.rpn.iter().map(|r| ("RPN name", r.nomvar.clone())));
    names.extend(
        field
            .eccc
            .grib2
            .iter()
            .flat_map(|g| std::iter::once(&g.abbrev_name).chain(&g.long_name))
            .map(|n| ("Datamart name", n.clone())),
    );
    names.extend(field.eccc.netcdf.iter().map(|n| ("ECCC NetCDF name", n.clone())));
    names.extend(field.eccc.alternates.iter().map(|a| ("Datamart name of a related quantity", a.name.clone())));
    for (convention, short, param) in [
        (Convention::ClimateDt, "Climate DT short name", "Climate DT paramId"),
        (Convention::ExtremesDt, "Extremes DT short name", "Extremes DT paramId"),
    ] {
        let Some(entry) = convention.entry(field) else { continue };
        names.push((short, entry.names[0].clone()));
        names.extend(entry.param.map(|p| (param, p.to_string())));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> (Strength, Vec<String>) {
        let catalogue = Catalogue::load().expect("it is tested");
        let hits = catalogue.search(query);
        (hits.strength, hits.fields.iter().map(|(f, _)| f.id.clone()).collect())
    }

    #[test]
    fn every_kind_of_name_answers() {
        for query in ["GZ", "gz", "HGT_ISBL_*", "HGT_ISBL", "GeopotentialHeight_IsbL-*", "geopotential_height"] {
            assert_eq!(found(query), (Strength::Exact, vec!["geopotential_height_pl".to_owned()]), "{query}");
        }
        assert_eq!(found("235055").1, ["precipitation_flux"]);
        assert_eq!(found("vozocrtx").1, ["eastward_sea_water_velocity"]);
        assert_eq!(found("TT").1, ["air_temperature_2m", "air_temperature_pl"]);
        // SD is a depth at ECCC, sd a mass at ECMWF: both answer, each with the kind of its name.
        let catalogue = Catalogue::load().expect("it is tested");
        let hits = catalogue.search("sd");
        let said: Vec<_> = hits.fields.iter().map(|(f, meant)| (f.id.as_str(), meant[0].0)).collect();
        assert_eq!(said, [("snow_water_equivalent", "Climate DT short name"), ("snow_depth", "RPN name")]);
    }

    #[test]
    fn parts_of_names_answer_where_no_name_does() {
        let (strength, ids) = found("sea ice");
        assert_eq!(strength, Strength::Part);
        assert!(ids.len() >= 5 && ids.iter().all(|id| id.contains("sea_ice")), "{ids:?}");
        assert_eq!(found("RAQDPS-FW").1, ["pm2p5_concentration"]);
        assert_eq!(found("biosphere").1.len(), 7);
    }

    #[test]
    fn a_typo_gets_a_hint() {
        let catalogue = Catalogue::load().expect("it is tested");
        let hits = catalogue.search("precipitaton_flx");
        assert!(hits.fields.is_empty());
        assert_eq!(hits.near[0], "precipitation_flux");
    }
}
