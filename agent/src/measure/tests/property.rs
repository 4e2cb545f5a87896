//! Random operations, with hints followed now and then: the state is that of a walk from nothing.

use std::fs;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Write(usize, u8),
    Script(usize, u8),
    Remove(usize),
    Rename(usize, usize),
    Link(usize, usize),
    Mode(usize, u32),
    MakeDirectory(usize),
    Follow,
}

/// Few names, so that operations meet.
fn path(host: &Host, n: usize) -> PathBuf {
    let names = ["a", "b", "d/a", "d/b", "d/e/a", "d/e", "d", "f", "f/a", "f/e/a"];
    host.at("usr").join(names[n % names.len()])
}

/// Operations fail where they make no sense, as a user's would.
fn apply(host: &Host, step: &Step) {
    let at = |n: &usize| path(host, *n);
    let _ = match step {
        Step::Write(n, content) => fs::write(at(n), [ELF, &[*content]].concat()),
        Step::Script(n, content) => fs::write(at(n), [b"#!/", [*content].as_slice()].concat()),
        Step::Remove(n) => fs::remove_file(at(n)).or_else(|_| fs::remove_dir_all(at(n))),
        Step::Rename(from, to) => fs::rename(at(from), at(to)),
        Step::Link(from, to) => fs::hard_link(at(from), at(to)),
        Step::Mode(n, mode) => fs::set_permissions(at(n), fs::Permissions::from_mode(*mode)),
        Step::MakeDirectory(n) => fs::create_dir_all(at(n)),
        Step::Follow => Ok(()),
    };
}

fn any_step() -> impl Strategy<Value = Step> {
    let n = || 0..10_usize;
    prop_oneof![
        3 => (n(), any::<u8>()).prop_map(|(n, content)| Step::Write(n, content)),
        1 => (n(), any::<u8>()).prop_map(|(n, content)| Step::Script(n, content)),
        1 => n().prop_map(Step::Remove),
        2 => (n(), n()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (n(), n()).prop_map(|(from, to)| Step::Link(from, to)),
        1 => (n(), prop_oneof![Just(0o755), Just(0o644), Just(0o4755)]).prop_map(|(n, mode)| Step::Mode(n, mode)),
        2 => n().prop_map(Step::MakeDirectory),
        2 => Just(Step::Follow),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn following_hints_is_as_good_as_walking_anew(steps in proptest::collection::vec(any_step(), 1..60)) {
        let host = Host::new();
        let mut engine = host.engine();
        for step in &steps {
            apply(&host, step);
            // What is done through a second name before a walk has seen that name leaves no trace in a watched
            // directory: `links` says so.
            if matches!(step, Step::Follow | Step::Link(..)) {
                follow(&mut engine);
                prop_assert_eq!(host.state(&mut engine), host.walked_anew());
            }
        }
        follow(&mut engine);
        prop_assert_eq!(host.state(&mut engine), host.walked_anew());
        prop_assert_eq!(engine.watch.len(), engine.tree.iter().count());
    }
}
