//! Who trusted X? The question's words, the facts that evidence gives, and how an answer follows from them.
//!
//! In: a subject as somebody wrote it; verified logs; quotes, presences and gaps of a host as positions of the log. Out: names
//! to look for; facts with their role, class and place; YES, NO or UNKNOWN with reasons. No IO and no clock: an answer can
//! be had again from files. Where the facts are kept and found is a store's work, and a NO is worth what its presences and
//! gaps are worth: what the caller leaves out is not missed here.

pub mod answer;
pub mod carried;
pub mod component;
pub mod hosts;
pub mod issued;
pub mod limits;
pub mod moment;
pub mod profile;
pub mod replay;
pub mod role;
pub mod root;
pub mod subject;
