//! Questions about what is recorded: read only, for the API and whatever else shows hosts.

pub(crate) mod bundle;
pub(crate) mod changes;
pub(crate) mod history;
pub(crate) mod hosts;
pub(crate) mod incident;
pub(crate) mod reference;
pub(crate) mod trusted;

#[cfg(test)]
mod tests;
