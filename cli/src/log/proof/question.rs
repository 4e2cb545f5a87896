//! The question of a proof, and whether the answer is of it.

use std::collections::BTreeSet;

use inquiry::answer::{Mode, Question};
use inquiry::hosts::Selector;
use inquiry::moment::Window;
use inquiry::replay::Asked;
use inquiry::role::{Class, Role};
use inquiry::subject::Subject;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::trusted::{AskTrusted, BoundView, Trusted};

/// What the answer is of, in types.
pub(super) fn understood(answer: &Trusted) -> Result<Asked, String> {
    let subjects: Vec<Subject> = answer
        .subjects
        .iter()
        .map(|text| text.parse().map_err(|error| format!("{text}: {error}")))
        .collect::<Result<_, _>>()?;
    let roles: Vec<Role> = answer
        .roles
        .iter()
        .map(|text| text.parse().map_err(|error| format!("{text}: {error}")))
        .collect::<Result<_, _>>()?;
    let least: Class = answer.min_class.parse().map_err(|error| format!("{error}"))?;
    let mode = match answer.mode {
        wire::trusted::Mode::Any => Mode::Any,
        wire::trusted::Mode::Whole => Mode::Whole,
    };
    let size = |end: &Option<BoundView>| end.as_ref().map(|end| end.log_size);
    let window = Window { from: size(&answer.window.from), to: size(&answer.window.to) };
    if window.from.zip(window.to).is_some_and(|(from, to)| from > to) {
        return Err("the window ends before it begins".to_owned());
    }
    let question = Question::of(&subjects, &roles, (window, mode, least));
    Ok(Asked { subjects, roles, question, accept: answer.accepted.iter().cloned().collect() })
}

/// What of the answer is not of the question.
pub(super) fn differences(question: &AskTrusted, answer: &Trusted, asked: &Asked) -> Vec<String> {
    let mut found = Vec::new();
    let set = |texts: &[String]| texts.iter().cloned().collect::<BTreeSet<String>>();
    let meant: Result<BTreeSet<String>, _> = question
        .subjects
        .iter()
        .map(|text| text.parse::<Subject>().map(|subject| subject.to_string()))
        .collect();
    if meant.as_ref().ok() != Some(&set(&answer.subjects)) {
        found.push("the answer is about other subjects than the question".to_owned());
    }
    // To be revoked is not to be trusted: that role must be asked for.
    let possible = |role: &Role| asked.subjects.iter().any(|subject| subject.roles().contains(role));
    let usual = Role::ALL.into_iter().filter(|role| *role != Role::Revoked && possible(role));
    let roles = if question.roles.is_empty() {
        usual.map(|role| role.name().to_owned()).collect()
    } else {
        set(&question.roles)
    };
    let least: Class = question.min_class.as_deref().unwrap_or("E").parse().unwrap_or(Class::E);
    let same_way = (question.mode, least) == (answer.mode, asked.question.least);
    if roles != set(&answer.roles) || !same_way || set(&question.accept) != set(&answer.accepted) {
        found.push(
            "the answer is of other roles, another mode, another class or other accepted gaps than the question"
                .to_owned(),
        );
    }
    let ends = [("begins", &question.from, &answer.window.from), ("ends", &question.to, &answer.window.to)];
    for (word, asked, answered) in ends {
        if !is_bound(asked.as_deref(), answered.as_ref()) {
            found.push(format!("the answer's window {word} elsewhere than the question's"));
        }
    }
    let fits: Option<Selector> = question.hosts.as_deref().and_then(|pattern| pattern.parse().ok());
    let strange =
        answer.hosts.iter().find(|host| fits.as_ref().is_some_and(|fits| !fits.takes_name(&host.name)));
    if let Some(strange) = strange {
        found.push(format!("host {} was not asked about", strange.name));
    }
    found
}

fn is_bound(asked: Option<&str>, answered: Option<&BoundView>) -> bool {
    let (Some(asked), Some(answered)) = (asked, answered) else {
        return asked.is_some() == answered.is_some();
    };
    if let Some(leaf) = asked.strip_prefix("leaf:") {
        return leaf.parse() == Ok(answered.log_size);
    }
    let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    // The verifier's clock has milliseconds.
    let same =
        |one: OffsetDateTime, other: OffsetDateTime| (one - other).whole_milliseconds().unsigned_abs() <= 1;
    time(asked).zip(time(&answered.time)).is_some_and(|(one, other)| same(one, other))
}
