//! Subjects as people write them.

use super::*;
use evidence::principal::PrincipalKind;

#[track_caller]
fn reads(text: &str) -> Subject {
    let subject: Subject = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(subject.to_string().parse::<Subject>().as_ref(), Ok(&subject), "{text} is read back");
    subject
}

#[track_caller]
fn fails(text: &str, error: SubjectError) {
    assert_eq!(text.parse::<Subject>(), Err(error), "{text}");
}

#[test]
fn every_kind_is_read() {
    let digest = "ab".repeat(32);
    assert!(matches!(reads(&format!("file:{digest}")), Subject::File(_)));
    assert!(matches!(reads("path:/usr/lib/**/liblzma.so.5*"), Subject::Path(_)));
    assert!(matches!(reads("package:xz-utils>=5.6.0"), Subject::Package(_)));
    assert!(matches!(reads("package:liblzma5"), Subject::Package(_)));
    assert!(matches!(
        reads("boot:secure-boot=off"),
        Subject::Boot(BootSubject::SecureBoot(SecureBootState::Off))
    ));
    assert!(matches!(
        reads(&format!("boot:dbx-lacks={digest}")),
        Subject::Boot(BootSubject::DbxLacks { .. })
    ));
    assert!(matches!(reads("boot:sbat<grub,3"), Subject::Boot(BootSubject::SbatBelow { generation: 3, .. })));
    assert!(matches!(reads(&format!("image:{digest}")), Subject::Key(_)));
    assert!(matches!(reads("cert-name:DO NOT TRUST"), Subject::CertName(text) if text == "DO NOT TRUST"));
    for text in ["cert-name:", "cert-name:ab", "cert-name: padded", "cert-name:a\u{7}bc"] {
        assert!(text.parse::<Subject>().is_err(), "{text}");
    }
}

#[test]
fn a_key_s_length_says_which_names_it_may_be() {
    use PrincipalKind::{Certificate, ImaKeyId, OpenPgp, OpenPgpKeyId, Spki, Ssh, SubjectKeyId, Tbs};
    let kinds = |text: &str| match reads(text) {
        Subject::Key(key) => key.names().iter().map(evidence::principal::Principal::kind).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kinds(&format!("cert:{}", "0a".repeat(32))), [Certificate, Tbs]);
    assert_eq!(
        kinds(&format!("cert:{}", "0A:".repeat(31) + "0B")),
        [Certificate, Tbs],
        "as openssl prints it"
    );
    assert_eq!(kinds(&format!("cert:{}", "0a".repeat(48))), [Tbs]);
    assert_eq!(kinds(&format!("key:{}", "0a".repeat(32))), [Spki, OpenPgp, OpenPgpKeyId]);
    assert_eq!(kinds(&format!("key:{}", "0a".repeat(20))), [OpenPgp, SubjectKeyId, OpenPgpKeyId]);
    assert_eq!(kinds("key:0123456789abcdef"), [OpenPgpKeyId]);
    assert_eq!(kinds("key:01234567"), [ImaKeyId]);
    assert_eq!(kinds("key:SHA256:Fi4jmP0f4GbWqVQeDPTKcXIGlOO2g6EvU3tPpPC8sQs"), [Ssh]);
    assert_eq!(kinds(&format!("key:spki:{}", "0a".repeat(32))), [Spki]);
}

#[test]
fn what_is_none_is_said_to_be_none() {
    fails("xz", SubjectError::NoKind);
    fails("virus:xz", SubjectError::NoKind);
    fails("file:", SubjectError::Nothing);
    fails("file:abc", SubjectError::Digest);
    fails("path:usr/bin", SubjectError::Path);
    fails("path:/usr/[a", SubjectError::Glob { offset: 5, what: "this class does not end with a bracket" });
    fails("package:>=1", SubjectError::Package);
    fails("package:xz>=", SubjectError::Package);
    fails("package:xz=>1", SubjectError::Package);
    fails("package:xz>=1<2<3", SubjectError::Package);
    fails("source:xz<", SubjectError::Package);
    fails("key:xyz", SubjectError::Key);
    fails("key:012345", SubjectError::Key);
    fails("cert:0123", SubjectError::Certificate);
    fails("image:01234567", SubjectError::Image);
    fails("boot:secure-boot=maybe", SubjectError::Boot);
    fails("boot:sbat<grub", SubjectError::Boot);
    fails(&format!("path:/{}", "a".repeat(5_000)), SubjectError::TooLong);
}

#[test]
fn patterns_fit_whole_paths() {
    let fits = |pattern: &str, path: &str| pattern.parse::<Glob>().unwrap().matches(path.as_bytes());
    assert!(fits("/usr/bin/ssh", "/usr/bin/ssh") && !fits("/usr/bin/ssh", "/usr/bin/sshd"));
    assert!(fits("/usr/bin/*", "/usr/bin/ssh") && !fits("/usr/bin/*", "/usr/bin/x/ssh"));
    assert!(fits("/usr/**/ssh", "/usr/a/b/ssh") && !fits("/usr/**/ssh", "/usr/ssh"));
    assert!(fits("**/liblzma.so.5*", "/usr/lib/x86_64-linux-gnu/liblzma.so.5.6.0"));
    assert!(fits("/opt/?at", "/opt/cat") && !fits("/opt/?at", "/opt//at"));
    assert!(
        fits("/opt/[a-c]x", "/opt/bx") && !fits("/opt/[!a-c]x", "/opt/bx") && fits("/opt/[]-]x", "/opt/-x")
    );
    assert!(fits(r"/opt/\*", "/opt/*") && !fits(r"/opt/\*", "/opt/a"));
    // Would take ages where each star is tried at every place.
    assert!(!fits(&format!("/{}b", "**a".repeat(60)), &format!("/{}", "a".repeat(4_000))));
}

#[test]
fn a_range_takes_versions_by_their_order() {
    let takes = |text: &str, version: &str| match reads(text) {
        Subject::Package(package) | Subject::Source(package) => package.takes(version, &[Scheme::Dpkg]),
        other => panic!("{other:?}"),
    };
    assert!(takes("package:xz-utils>=5.6.0", "5.6.1-1") && !takes("package:xz-utils>=5.6.0", "5.4.5-0.3"));
    assert!(takes("package:xz-utils<5.6.1+really", "5.6.0-0.2"));
    assert!(
        takes("package:xz-utils=5.6.0-0.2", "5.6.0-0.2") && !takes("package:xz-utils=5.6.0-0.2", "5.6.0-0.1")
    );
    assert!(takes("package:xz-utils", "anything"));
    let within = "source:xz-utils>=5.6.0<5.6.1+really5.4.5-1";
    assert_eq!(reads(within).to_string(), within);
    assert!(takes(within, "5.6.1-1") && !takes(within, "5.6.1+really5.4.5-1") && !takes(within, "5.4.5-0.3"));
    assert!(takes("package:a<=1", "1") && !takes("package:a<1", "1") && !takes("package:a>1", "1"));
}

#[test]
fn paths_of_merged_systems_are_those_in_usr() {
    let in_usr = |pattern: &str| pattern.parse::<Glob>().unwrap().in_usr().map(|glob| glob.to_string());
    assert_eq!(in_usr("/bin/ls").as_deref(), Some("/usr/bin/ls"));
    assert_eq!(in_usr("/lib64/**").as_deref(), Some("/usr/lib64/**"));
    assert_eq!(in_usr("/library/x"), None);
    assert_eq!(in_usr("/usr/bin/ls"), None);
    assert_eq!(in_usr("**/ls"), None);
}

#[test]
fn an_architecture_of_both_families_is_of_either_order() {
    use Scheme::{Dpkg, Rpm};
    for (architecture, schemes) in [
        ("amd64", &[Dpkg][..]),
        ("x86_64", &[Rpm]),
        ("s390x", &[Dpkg, Rpm]),
        ("riscv64", &[Dpkg, Rpm]),
        ("", &[Dpkg, Rpm]),
    ] {
        assert_eq!(Scheme::of_architecture(architecture), schemes, "{architecture}");
    }
    // A letter behind a number is newer for one and older for the other.
    let Subject::Package(package) = reads("package:x>1.0") else { panic!() };
    let takes = |schemes: &[Scheme]| package.takes("1.0^git1", schemes);
    assert_eq!((takes(&[Dpkg]), takes(&[Rpm]), takes(&[Dpkg, Rpm])), (true, true, true));
    let Subject::Package(package) = reads("package:x<1.0.1") else { panic!() };
    let takes = |schemes: &[Scheme]| package.takes("1.0a", schemes);
    assert_eq!((takes(&[Dpkg]), takes(&[Rpm]), takes(&[Dpkg, Rpm])), (true, true, true));
}
