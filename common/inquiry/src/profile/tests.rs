//! Profiles of made facts; those of real boots are tested where evidence is at hand.

use super::*;
use evidence::principal::PrincipalKind;

fn key(id: u8, event: u32) -> Fact {
    Fact::Key {
        names: vec![Principal::new(PrincipalKind::Image, &[id; 32]).unwrap()],
        role: Role::Executed,
        class: Class::B,
        store: "images".to_owned(),
        label: "shimx64.efi".to_owned(),
        place: Place { event: Some(event), pcr: 4 },
    }
}

#[test]
fn equal_boots_have_one_digest() {
    let setting = |state| Fact::Setting {
        setting: Setting::SecureBoot(state),
        place: Place { event: Some(1), pcr: 7 },
    };
    let one = Profile::new(vec![key(1, 5), setting(SecureBootState::On), key(2, 6), key(1, 5)]);
    let other = Profile::new(vec![key(2, 6), key(1, 5), setting(SecureBootState::On)]);
    assert_eq!((one.digest(), one.facts().len()), (other.digest(), 3));
    let changed = [
        Profile::new(vec![key(2, 6), key(1, 5), setting(SecureBootState::Off)]),
        Profile::new(vec![key(2, 7), key(1, 5), setting(SecureBootState::On)]),
        Profile::new(vec![key(2, 6), key(1, 5)]),
        Profile::default(),
    ];
    for profile in changed {
        assert_ne!(profile.digest(), one.digest(), "{profile:?}");
    }
}

#[test]
fn a_place_is_said_as_people_look_for_it() {
    assert_eq!(Place { event: Some(12), pcr: 7 }.to_string(), "event 12, PCR 7");
    assert_eq!(Place { event: None, pcr: 7 }.to_string(), "PCR 7");
}
