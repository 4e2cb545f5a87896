//! Boot images by the generations that they state of themselves.

use std::fmt;
use std::str::FromStr;

use super::SubjectError;

/// Images of a component, below a generation.
//= shim, SBAT.md: an image whose generation of a component is below the level's is not started
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SbatSubject {
    component: String,
    below: u32,
}

impl SbatSubject {
    /// The component, such as `grub`.
    pub fn component(&self) -> &str {
        &self.component
    }

    /// Whether an image that states this generation is one. What is no number is no good generation.
    pub fn takes(&self, generation: &str) -> bool {
        generation.parse::<u32>().map_or(true, |generation| generation < self.below)
    }
}

/// Components and generations that an image's fact states.
pub fn generations(fact: &str) -> impl Iterator<Item = (&str, &str)> {
    fact.split(';').filter_map(|line| line.split_once(',')).filter(|(component, _)| !component.is_empty())
}

impl FromStr for SbatSubject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let (component, below) = text.split_once('<').ok_or(SubjectError::Sbat)?;
        let below = below.parse().map_err(|_| SubjectError::Sbat)?;
        let is_name =
            !component.is_empty() && component.chars().all(|c| c.is_ascii_graphic() && c != ';' && c != ',');
        if !is_name {
            return Err(SubjectError::Sbat);
        }
        Ok(Self { component: component.to_owned(), below })
    }
}

impl fmt::Display for SbatSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}<{}", self.component, self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_below_and_what_is_none() {
        let subject: SbatSubject = "grub<3".parse().unwrap();
        assert_eq!((subject.component(), subject.to_string().as_str()), ("grub", "grub<3"));
        assert!(subject.takes("2") && !subject.takes("3") && subject.takes("x") && subject.takes(""));
        for wrong in ["grub", "<3", "grub<", "grub<-1", "gr ub<3", "a;b<3", "a,b<3"] {
            assert_eq!(wrong.parse::<SbatSubject>(), Err(SubjectError::Sbat), "{wrong}");
        }
        let found: Vec<_> = generations("sbat,1;grub,3;;x;,4").collect();
        assert_eq!(found, [("sbat", "1"), ("grub", "3")]);
    }
}
