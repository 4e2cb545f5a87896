//! A subject, and behind it lines: what is read is printed as it is read, a pattern ends with any path, and versions have one order.

use inquiry::subject::{Scheme, Subject, compare};

/// The target's body.
pub fn subject(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines.take(4).collect();
    if let Ok(subject) = first.parse::<Subject>() {
        assert_eq!(subject.to_string().parse(), Ok(subject.clone()));
        for line in &rest {
            match &subject {
                Subject::Path(glob) => {
                    let fits = glob.matches(line.as_bytes());
                    assert!(!fits || line.as_bytes().starts_with(&glob.prefix()));
                }
                Subject::Package(package) | Subject::Source(package) => {
                    let _ = package.takes(line, &[Scheme::Dpkg, Scheme::Rpm]);
                }
                _ => {}
            }
        }
    }
    for scheme in [Scheme::Dpkg, Scheme::Rpm] {
        for one in &rest {
            assert!(compare(scheme, one, one).is_eq());
            for other in &rest {
                assert_eq!(compare(scheme, one, other), compare(scheme, other, one).reverse());
            }
        }
    }
}
