//! `POST /v1/trusted`: who trusted X?
//!
//! In: the question in words. Out: the answer for every host. That it was asked, by whom and about what, is in the log before the
//! answer leaves: whoever knows what is looked for knows what is known of an intruder.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use evidence::limits::LONG_TEXT_BYTES;
use evidence::time::UnixTime;
use inquiry::answer::Mode;
use inquiry::role::{Class, Role};
use inquiry::subject::Subject;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::trusted::{AskTrusted, Trusted};

use super::App;
use super::enrol::json;
use super::operator::silent_before;
use super::problem::Fault;
use crate::limits::{SIGHTINGS_SHOWN, SUBJECTS};
use crate::query::trusted::{self, AskError, Asked, Bound};
use crate::record::Work;
use crate::store::action::Who;

/// Answers.
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Trusted>, Fault> {
    let question: AskTrusted = json(body)?;
    let asked = understand(&question)?;
    let record = app.recorder.record(Work::Asked { who, question: words(&asked, &question) });
    let (recorded, answer) = tokio::join!(record, trusted::answer(&app.store, &asked, silent_before(&app)));
    recorded?;
    Ok(Json(answer?))
}

impl From<AskError> for Fault {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Window(_) | AskError::Broad { .. } | AskError::Authority { .. } | AskError::Often => {
                unanswerable(error)
            }
            AskError::Store(error) => error.into(),
        }
    }
}

fn unanswerable(detail: impl std::fmt::Display) -> Fault {
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", detail)
}

/// What was asked, where it can be answered; what is written twice counts once.
pub(crate) fn understand(question: &AskTrusted) -> Result<Asked, Fault> {
    if question.subjects.is_empty() || question.subjects.len() > SUBJECTS {
        return Err(unanswerable(format_args!("a question has 1 to {SUBJECTS} subjects")));
    }
    let mut subjects: Vec<Subject> = Vec::with_capacity(question.subjects.len());
    let mut known = HashSet::with_capacity(question.subjects.len());
    for text in &question.subjects {
        let subject: Subject =
            text.parse().map_err(|error| unanswerable(format_args!("{}: {error}", text.escape_debug())))?;
        if known.insert(subject.to_string()) {
            subjects.push(subject);
        }
    }
    let roles = roles(&question.roles, &subjects)?;
    let least = question.min_class.as_deref().map_or(Ok(Class::E), str::parse).map_err(unanswerable)?;
    let mode = match question.mode {
        wire::trusted::Mode::Any => Mode::Any,
        wire::trusted::Mode::Whole => Mode::Whole,
    };
    let bound = |text: &Option<String>| text.as_deref().map(bound).transpose();
    let (from, to) = (bound(&question.from)?, bound(&question.to)?);
    let hosts = question.hosts.as_deref().map(str::parse).transpose().map_err(unanswerable)?;
    let accept = question.accept.clone();
    if let Some(unknown) = accept.iter().find(|cause| !is_word(cause)) {
        return Err(unanswerable(format_args!("{} is no cause of a gap", unknown.escape_debug())));
    }
    Ok(Asked {
        subjects,
        roles,
        least,
        mode,
        from,
        to,
        hosts,
        accept,
        list: question.list,
        brief: question.brief,
        shown: SIGHTINGS_SHOWN,
    })
}

/// Causes are words such as `left-out`.
fn is_word(cause: &str) -> bool {
    !cause.is_empty()
        && cause.len() <= 64
        && cause.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// To be revoked is not to be trusted: that role must be asked for.
fn roles(named: &[String], subjects: &[Subject]) -> Result<Vec<Role>, Fault> {
    let possible = |role: &Role| subjects.iter().any(|subject| subject.roles().contains(role));
    if named.is_empty() {
        return Ok(Role::ALL.into_iter().filter(|role| *role != Role::Revoked && possible(role)).collect());
    }
    let mut roles = Vec::with_capacity(named.len());
    for name in named {
        let role: Role = name.parse().map_err(unanswerable)?;
        if !possible(&role) {
            return Err(unanswerable(format_args!("none of the subjects can be {role}")));
        }
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    // A subject that has none of the roles would be answered as if it had never been seen.
    match subjects.iter().find(|subject| !subject.roles().iter().any(|role| roles.contains(role))) {
        Some(subject) => {
            let names: Vec<_> = subject.roles().iter().map(|role| role.name()).collect();
            Err(unanswerable(format_args!("{subject} can only be {}", names.join(", "))))
        }
        None => Ok(roles),
    }
}

fn bound(text: &str) -> Result<Bound, Fault> {
    if let Some(leaf) = text.strip_prefix("leaf:") {
        let leaf = leaf.parse().map_err(|_| unanswerable("behind `leaf:` stands a number of leaves"))?;
        return Ok(Bound::Leaf(leaf));
    }
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| unanswerable("a window's end is a time as RFC 3339 has it, or leaf:N"))?;
    let ms = u64::try_from(at.unix_timestamp_nanos() / 1_000_000);
    Ok(Bound::At(UnixTime::from_ms(ms.map_err(|_| unanswerable("a window's end before 1970"))?)))
}

/// The question for the record of what operators did; cut where it is long.
fn words(asked: &Asked, question: &AskTrusted) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(question.from.iter().map(|from| format!("from {from}")));
    words.extend(question.to.iter().map(|to| format!("to {to}")));
    if !asked.accept.is_empty() {
        words.push(format!("accepting {}", asked.accept.join(", ")));
    }
    words.push(format!("{} subjects:", asked.subjects.len()));
    let mut words = words.join(" ");
    for subject in &asked.subjects {
        let more = format!(" {subject}");
        if words.len() + more.len() + CUT.len() > LONG_TEXT_BYTES {
            words.push_str(CUT);
            break;
        }
        words.push_str(&more);
    }
    words
}

const CUT: &str = " …";
