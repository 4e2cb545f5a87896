//! The order of versions, as dpkg and rpm have it.
//!
//! In: two versions as their package managers write them. Out: which is newer. Malformed ones are ordered too, in some way that
//! stays the same: a package manager has them installed, whatever its rules say.

use std::cmp::Ordering;

/// Whose order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Debian's.
    Dpkg,
    /// Red Hat's.
    Rpm,
}

impl Scheme {
    /// The schemes that a package's version may be of, by its architecture: the two families name most of theirs differently. Where both have the
    /// name, or neither, it may be either's.
    pub fn of_architecture(architecture: &str) -> &'static [Self] {
        match architecture {
            "all" | "amd64" | "arm64" | "armel" | "armhf" | "mips64el" | "mipsel" | "ppc64el" => {
                &[Self::Dpkg]
            }
            "noarch" | "x86_64" | "aarch64" | "i586" | "i686" | "ppc64le" | "armv7hl" => &[Self::Rpm],
            _ => &[Self::Dpkg, Self::Rpm],
        }
    }
}

/// Which of two versions is newer.
pub fn compare(scheme: Scheme, one: &str, other: &str) -> Ordering {
    let (one_epoch, one) = epoch(one);
    let (other_epoch, other) = epoch(other);
    numbers(one_epoch, other_epoch).then_with(|| match scheme {
        Scheme::Dpkg => dpkg(one, other),
        Scheme::Rpm => rpm(one, other),
    })
}

/// The digits before the first colon; none is 0.
fn epoch(version: &str) -> (&str, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (epoch, rest)
        }
        _ => ("", version),
    }
}

/// Numbers of any length.
fn numbers(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

//= deb-version(7), "Sorting algorithm"
fn dpkg(one: &str, other: &str) -> Ordering {
    // Without a revision is as with an empty one.
    let (one, one_revision) = one.rsplit_once('-').unwrap_or((one, ""));
    let (other, other_revision) = other.rsplit_once('-').unwrap_or((other, ""));
    dpkg_part(one, other).then_with(|| dpkg_part(one_revision, other_revision))
}

/// Texts without digits and numbers in turn.
fn dpkg_part(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    while !one.is_empty() || !other.is_empty() {
        let (text, rest) = split(one, |c| !c.is_ascii_digit());
        let (other_text, other_rest) = split(other, |c| !c.is_ascii_digit());
        let (number, rest) = split(rest, |c| c.is_ascii_digit());
        let (other_number, other_rest) = split(other_rest, |c| c.is_ascii_digit());
        let order = dpkg_text(text, other_text).then_with(|| numbers(number, other_number));
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
    Ordering::Equal
}

/// Tilde before the end, the end before letters, letters before all else.
fn dpkg_text(one: &str, other: &str) -> Ordering {
    let weight = |c: Option<char>| match c {
        Some('~') => (0, '~'),
        None => (1, ' '),
        Some(c) if c.is_ascii_alphabetic() => (2, c),
        Some(c) => (3, c),
    };
    let (mut one, mut other) = (one.chars(), other.chars());
    loop {
        let (a, b) = (one.next(), other.next());
        let order = weight(a).cmp(&weight(b));
        if order.is_ne() || (a.is_none() && b.is_none()) {
            return order;
        }
    }
}

//= rpm-version(7), "Comparison"
fn rpm(one: &str, other: &str) -> Ordering {
    let (one, one_release) = one.split_once('-').map_or((one, None), |(v, r)| (v, Some(r)));
    let (other, other_release) = other.split_once('-').map_or((other, None), |(v, r)| (v, Some(r)));
    rpm_part(one, other).then_with(|| match (one_release, other_release) {
        (Some(one), Some(other)) => rpm_part(one, other),
        // A version that is named without a release means any.
        _ => Ordering::Equal,
    })
}

fn rpm_part(one: &str, other: &str) -> Ordering {
    let separator = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
    let (mut one, mut other) = (one, other);
    loop {
        one = one.trim_start_matches(separator);
        other = other.trim_start_matches(separator);
        match (one.strip_prefix('~'), other.strip_prefix('~')) {
            (Some(a), Some(b)) => {
                (one, other) = (a, b);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        match (one.strip_prefix('^'), other.strip_prefix('^')) {
            (Some(a), Some(b)) => {
                (one, other) = (a, b);
                continue;
            }
            // A caret is newer than the end and older than anything else.
            (Some(_), None) => return if other.is_empty() { Ordering::Greater } else { Ordering::Less },
            (None, Some(_)) => return if one.is_empty() { Ordering::Less } else { Ordering::Greater },
            (None, None) => {}
        }
        if one.is_empty() || other.is_empty() {
            return one.len().min(1).cmp(&other.len().min(1));
        }
        let digits = one.starts_with(|c: char| c.is_ascii_digit());
        let class = |c: char| if digits { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let (a, rest) = split(one, class);
        let (b, other_rest) = split(other, class);
        if b.is_empty() {
            // A number is newer than a text.
            return if digits { Ordering::Greater } else { Ordering::Less };
        }
        let order = if digits { numbers(a, b) } else { a.cmp(b) };
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
}

fn split(text: &str, class: impl Fn(char) -> bool) -> (&str, &str) {
    let at = text.find(|c| !class(c)).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scheme: Scheme, older: &str, newer: &str) {
        assert_eq!(compare(scheme, older, newer), Ordering::Less, "{older} < {newer}");
        assert_eq!(compare(scheme, newer, older), Ordering::Greater, "{newer} > {older}");
        assert_eq!(compare(scheme, older, older), Ordering::Equal, "{older}");
    }

    #[test]
    fn dpkg_orders_as_it_is_written_down() {
        let pairs = [
            ("1.0~rc1", "1.0"),
            ("1.0~rc1-1", "1.0-1"),
            ("1.0", "1.0-1"),
            ("1.0-1", "1.0-1.1"),
            ("1.0-9", "1.0-10"),
            ("2.0", "1:1.0"),
            ("1.0a", "1.0+b"),
            ("1.0a", "1.0.1"),
            ("5.4.1-0.2", "5.6.0-0.2"),
            ("5.6.1-1", "5.6.1+really5.4.5-1"),
            ("1.0~~", "1.0~"),
            ("1.2.3", "1.10"),
            ("1.0-1~bpo12+1", "1.0-1"),
            ("2:1", "10:0"),
            ("1-2", "1-1-1"),
        ];
        for (older, newer) in pairs {
            check(Scheme::Dpkg, older, newer);
        }
        for (one, other) in [("1.0", "1.00"), ("0:1.0", "1.0"), ("1.0-0", "1.0"), ("1.01", "1.1")] {
            assert_eq!(compare(Scheme::Dpkg, one, other), Ordering::Equal, "{one} = {other}");
        }
    }

    #[test]
    fn rpm_orders_as_it_is_written_down() {
        let pairs = [
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0^git1"),
            ("1.0^git1", "1.0.1"),
            ("1.0^git1", "1.01"),
            ("1.0~rc1^git1", "1.0"),
            ("1.0-1.fc40", "1.0-2.fc40"),
            ("1.0-9", "1.0-10"),
            ("2.0-1", "1:1.0-1"),
            ("1.0a", "1.0.1"),
            ("1.a", "1.1"),
            ("5.4.6-3.fc40", "5.6.0-1.fc40"),
            ("1.0.z", "1.0.1"),
        ];
        for (older, newer) in pairs {
            check(Scheme::Rpm, older, newer);
        }
        for (one, other) in [("1.0", "1.0-3"), ("1.0", "1_0"), ("1.05", "1.5"), ("0:2", "2")] {
            assert_eq!(compare(Scheme::Rpm, one, other), Ordering::Equal, "{one} = {other}");
        }
    }
}
