//! `lydian trusted`: the question is put together here, and answered by the verifier.

use std::path::Path;

use appraisal::endorsement::certificates_from_pem;
use evidence::principal::Principal;
use evidence::x509::Certificate;
use inquiry::subject::Subject;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
use wire::trusted::{AskTrusted, HostAnswer, List, Mode, Trusted, Verdict};

use super::subjects::{self, Listed};
use crate::Outcome;
use crate::args::{ConnectionArgs, ModeArg, TrustedArgs};
use crate::client::Client;
use crate::config::Connection;
use crate::duration::Seconds;
use crate::error::CliError;
use crate::files;
use crate::limits::CERTIFICATE_FILE_BYTES;
use crate::log::proof;
use crate::show;
use crate::ui::{Format, Ui};

pub(super) fn run(connection: &ConnectionArgs, ui: &mut Ui, args: &TrustedArgs) -> Result<Outcome, CliError> {
    // What was written wrongly is found before anybody is asked.
    let asked = question(args, ui)?;
    let connection = Connection::of(connection)?;
    let (answer, holds) = if let Some(dir) = &args.proof {
        let (answer, report) = proof::fetch(ui, &connection, asked, dir)?;
        for finding in &report.findings {
            ui.warn(finding);
        }
        ui.note(&format!("{}: {}", dir.display(), report.summary()));
        (answer, report.holds)
    } else {
        let client = Client::new(&connection)?;
        ui.progress("asking the verifier");
        let answer: Result<Trusted, _> = client.post(&["v1", "trusted"], &asked);
        ui.progress_done();
        (answer?, true)
    };
    let shown = show_answer(&answer, ui, args)?;
    Ok(if holds { shown } else { Outcome::NotTrusted })
}

/// Shows it as it is wanted.
fn show_answer(answer: &Trusted, ui: &mut Ui, args: &TrustedArgs) -> Result<Outcome, CliError> {
    if let Some(which) = &args.explain {
        let host = explained(answer, which)?;
        if ui.format() == Format::Table {
            let text = show::trusted_card(answer, host, ui.now()).render(ui.screen());
            ui.text(&text)?;
        } else {
            ui.json(host)?;
        }
        return Ok(outcome(std::slice::from_ref(host)));
    }
    match ui.format() {
        Format::Json => ui.json(answer)?,
        Format::Jsonl => answer.hosts.iter().try_for_each(|host| ui.json(host))?,
        Format::Csv => ui.text(&show::trusted_csv(answer))?,
        Format::Table if args.names => ui.text(&show::trusted_names(answer))?,
        Format::Table => {
            let text = show::trusted_table(answer, args.all, ui.now()).render(ui.screen());
            ui.text(&text)?;
        }
    }
    for line in show::trusted_summary(answer) {
        ui.note(&line);
    }
    let counts = answer.hosts_asked;
    Ok(if counts.no == counts.all { Outcome::Good } else { Outcome::NotTrusted })
}

/// Only a fleet of proven NOs is good news.
fn outcome(hosts: &[HostAnswer]) -> Outcome {
    if hosts.iter().all(|host| host.answer == Verdict::No) { Outcome::Good } else { Outcome::NotTrusted }
}

fn explained<'a>(answer: &'a Trusted, which: &str) -> Result<&'a HostAnswer, CliError> {
    let named: Vec<&HostAnswer> = answer.hosts.iter().filter(|host| host.name == which).collect();
    let found = if named.is_empty() {
        answer.hosts.iter().filter(|host| host.id.starts_with(which)).collect()
    } else {
        named
    };
    match found.as_slice() {
        [host] => Ok(host),
        [] => Err(CliError::value("--explain", "none of the hosts that were asked about is called so")
            .hint("`lydian host list` shows names and identities")),
        _ => Err(CliError::value("--explain", "several hosts fit").hint("use the beginning of the identity")),
    }
}

fn question(args: &TrustedArgs, ui: &mut Ui) -> Result<AskTrusted, CliError> {
    let (format, now) = (ui.format(), ui.now());
    let mut subjects = collected(&args.subjects, ui)?;
    if args.closure {
        subjects = with_closure(subjects)?;
    }
    let (from, to) = match &args.at {
        Some(text) if text == "now" => {
            return Err(CliError::value("--at", "no quote tells of this very moment yet")
                .hint("--at 1h asks about an hour ago; without --at and --to the window ends with each host's newest evidence"));
        }
        Some(text) => {
            let at = Some(moment("--at", text, Side::Begin, now)?);
            (at.clone(), at)
        }
        None => window(args.from.as_deref(), args.to.as_deref(), now)?,
    };
    Ok(AskTrusted {
        subjects,
        from,
        to,
        mode: match args.mode {
            ModeArg::Any => Mode::Any,
            ModeArg::Whole => Mode::Whole,
        },
        list: if args.names {
            List::Names
        } else if args.all || args.explain.is_some() || format != Format::Table {
            List::All
        } else {
            List::Exposed
        },
        brief: false,
        accept: args.accept.clone(),
        ..args.narrowing.question()
    })
}

/// Subjects as they were written, with those of files.
pub(super) fn collected(written: &[String], ui: &mut Ui) -> Result<Vec<String>, CliError> {
    let mut subjects = Vec::with_capacity(written.len());
    for written in written {
        match written.strip_prefix('@') {
            Some(path) => {
                let listed = subjects::read(path)?;
                if listed.others > 0 {
                    ui.warn(&others(path, &listed));
                }
                subjects.extend(listed.subjects);
            }
            None => match written.strip_prefix("issuer:@") {
                Some(path) => subjects.extend(authorities(path)?),
                None => subjects.push(subject(written)?),
            },
        }
    }
    Ok(subjects)
}

/// Authorities by what their certificates call them: no host needs to have these.
fn authorities(written: &str) -> Result<Vec<String>, CliError> {
    let (path, closure) = match written.strip_suffix("/closure") {
        Some(path) if !Path::new(written).exists() => (path, "/closure"),
        _ => (written, ""),
    };
    let path = Path::new(path);
    let bytes = files::read(path, CERTIFICATE_FILE_BYTES)?;
    let ders = match std::str::from_utf8(&bytes) {
        Ok(text) => certificates_from_pem(text).map_err(|error| CliError::input(path, error))?,
        Err(_) => vec![bytes],
    };
    if ders.is_empty() {
        return Err(CliError::input(path, "no certificate in it"));
    }
    let named = |der: &Vec<u8>| {
        let certificate = Certificate::parse(der).map_err(|error| CliError::input(path, error))?;
        let name = hex::encode(Principal::subject_name(certificate.subject().raw()).id());
        let key = certificate.subject_key_id().map(|key| format!("+{}", hex::encode(key)));
        subject(&format!("issuer:name:{name}{}{closure}", key.unwrap_or_default()))
    };
    ders.iter().map(named).collect()
}

/// Authorities with all that lies below them.
fn with_closure(subjects: Vec<String>) -> Result<Vec<String>, CliError> {
    let mut all = Vec::with_capacity(subjects.len());
    let mut widened = false;
    for written in subjects {
        let authority = match written.split_once(':') {
            Some(("issuer", rest)) if rest.ends_with("/closure") => Some(written.clone()),
            Some(("issuer", _)) => Some(format!("{written}/closure")),
            Some(("cert", rest)) => Some(subject(&format!("issuer:{rest}/closure"))?),
            _ => None,
        };
        widened |= authority.is_some();
        if !written.starts_with("issuer:") {
            all.push(written);
        }
        all.extend(authority);
    }
    if !widened {
        return Err(CliError::value("--closure", "none of the subjects is an authority")
            .hint("`issuer:` and `cert:` name one; `lydian trusted --help` shows how"));
    }
    Ok(all)
}

/// Entries that the answer does not speak for.
fn others(path: &str, listed: &Listed) -> String {
    let first = listed.first_other.as_deref().unwrap_or_default();
    format!(
        "{} entries of {path} cannot be asked about, such as: {}",
        listed.others,
        crate::escape::safe(first)
    )
}

fn subject(written: &str) -> Result<String, CliError> {
    match written.parse::<Subject>() {
        Ok(subject) => Ok(subject.to_string()),
        Err(error) => {
            Err(CliError::value(written, error).hint("`lydian trusted --help` lists all kinds of subjects"))
        }
    }
}

/// A window's ends; until now is as late as each host is known.
pub(super) fn window(
    from: Option<&str>,
    to: Option<&str>,
    now: OffsetDateTime,
) -> Result<(Option<String>, Option<String>), CliError> {
    let time = |name, text: Option<&str>, side| text.map(|text| moment(name, text, side, now)).transpose();
    Ok((time("--from", from, Side::Begin)?, time("--to", to.filter(|to| *to != "now"), Side::End)?))
}

/// Which end of a window a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Begin,
    End,
}

/// A time as people write it, as the verifier takes it.
fn moment(name: &str, text: &str, side: Side, now: OffsetDateTime) -> Result<String, CliError> {
    let wrong = || {
        CliError::value(name, format_args!("{text:?} is no time"))
            .hint("2026-11-24, '2026-11-24 13:30', RFC 3339, @SECONDS since 1970, 7d (ago), or leaf:N")
    };
    if text.strip_prefix("leaf:").is_some_and(|leaf| leaf.parse::<u64>().is_ok()) {
        return Ok(text.to_owned());
    }
    let at = if text == "now" {
        Some(now)
    } else if let Some(seconds) = text.strip_prefix('@') {
        seconds.parse().ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
    } else if let Ok(Seconds(ago)) = text.trim_end_matches(" ago").parse() {
        i64::try_from(ago).ok().and_then(|ago| now.checked_sub(time::Duration::seconds(ago)))
    } else {
        written_out(text, side)
    };
    at.and_then(|at| at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()).ok_or_else(wrong)
}

fn written_out(text: &str, side: Side) -> Option<OffsetDateTime> {
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(at);
    }
    if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return match side {
            Side::Begin => Some(day.with_time(Time::MIDNIGHT).assume_utc()),
            Side::End => {
                Some(day.next_day()?.with_time(Time::MIDNIGHT).assume_utc() - time::Duration::milliseconds(1))
            }
        };
    }
    let text = text.replacen('T', " ", 1);
    let minutes =
        PrimitiveDateTime::parse(&text, format_description!("[year]-[month]-[day] [hour]:[minute]"));
    let seconds =
        PrimitiveDateTime::parse(&text, format_description!("[year]-[month]-[day] [hour]:[minute]:[second]"));
    minutes.or(seconds).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_taken_as_people_write_them() {
        let now = datetime!(2026-11-27 12:00 UTC);
        let check = |text: &str, side, expected: &str| {
            assert_eq!(moment("--from", text, side, now).unwrap(), expected, "{text}");
        };
        check("2026-11-24", Side::Begin, "2026-11-24T00:00:00Z");
        check("2026-11-24", Side::End, "2026-11-24T23:59:59.999Z");
        check("2026-11-24 13:30", Side::End, "2026-11-24T13:30:00Z");
        check("2026-11-24T13:30:07", Side::Begin, "2026-11-24T13:30:07Z");
        check("2026-11-24T13:30:07+02:00", Side::Begin, "2026-11-24T11:30:07Z");
        check("36h", Side::Begin, "2026-11-26T00:00:00Z");
        check("7d ago", Side::Begin, "2026-11-20T12:00:00Z");
        check("@1700000000", Side::Begin, "2023-11-14T22:13:20Z");
        check("now", Side::End, "2026-11-27T12:00:00Z");
        check("leaf:17", Side::Begin, "leaf:17");
        for text in ["", "tomorrow", "2026-13-01", "24.11.2026", "leaf:x", "7 days"] {
            assert!(moment("--from", text, Side::Begin, now).is_err(), "{text}");
        }
    }
}
