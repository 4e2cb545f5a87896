//! Answers by who ever had a component, without reading when.
//!
//! In: carriers of a question that has no window and is not for whole windows. Out: for each host whether it ever had one of the components. Every such host is a YES of the class
//! that components are of, or of a better one by something else that was seen.

use inquiry::answer::{Answer, Question};
use inquiry::role::Class;

use super::carriers::{Carriers, Of};
use crate::sql::Connection;
use crate::store::StoreError;
use crate::store::directory::{Directory, HostEntry};
use crate::store::host_sets::Held;

/// Whether components that are carriers are all that a YES of them takes: in a role that is asked for, and of a class that counts. What was there and may have been run
/// is no YES.
pub(super) fn tell_all(question: &Question, carriers: &[Carriers]) -> bool {
    let all = carriers.iter().flat_map(|carriers| &carriers.all);
    all.filter(|carrier| matches!(carrier.of, Of::Component(_))).all(|carrier| {
        let is_asked = question.roles.iter().any(|(role, _)| *role == carrier.role);
        is_asked && carrier.class == OF_COMPONENTS && carrier.class.reaches(question.least)
    })
}

/// Of each of the directory's hosts whether it ever had one.
pub(super) async fn had(
    reading: &mut Connection<'_>,
    directory: &Directory,
    carriers: &[Carriers],
) -> Result<Vec<bool>, StoreError> {
    let component = |of: Of| match of {
        Of::Component(component) => Some(component),
        _ => None,
    };
    let all = carriers.iter().flat_map(|carriers| &carriers.all);
    let mut components: Vec<i64> = all.filter_map(|carrier| component(carrier.of)).collect();
    components.sort_unstable();
    components.dedup();
    let rows = directory.sets().of(reading, (Held::Components, &components), directory.log_size()).await?;
    let has = |host: &HostEntry| u32::try_from(host.row).is_ok_and(|row| rows.contains(row));
    Ok(directory.hosts().iter().map(has).collect())
}

/// The answer for a host that had one, where this is what follows from all else.
pub(super) fn with_had(answer: &Answer) -> Answer {
    match answer {
        Answer::Yes(class) => Answer::Yes(OF_COMPONENTS.min(*class)),
        Answer::No(_) | Answer::Unknown(_) => Answer::Yes(OF_COMPONENTS),
    }
}

/// The class of what agents say of files.
const OF_COMPONENTS: Class = Class::D;
