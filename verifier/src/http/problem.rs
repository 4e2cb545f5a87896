//! Errors as they are answered: problem details, whatever went wrong and wherever.

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wire::problem::Resume;
use wire::{PROBLEM_MEDIA_TYPE, Problem};

use crate::record::RecordError;
use crate::store::token::JoinRefusal;
use crate::store::{StoreError, Trouble};

/// An error answer in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    status: StatusCode,
    code: &'static str,
    detail: String,
    hint: &'static str,
    resume: Option<Resume>,
}

impl Fault {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl std::fmt::Display) -> Self {
        Self { status, code, detail: detail.to_string(), hint: "", resume: None }
    }

    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    pub(crate) fn resume(self, resume: Resume) -> Self {
        Self { resume: Some(resume), ..self }
    }

    pub(crate) fn malformed(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub(crate) fn too_large(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    pub(crate) fn not_found(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(crate) fn overloaded(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).hint("try again later")
    }

    pub(crate) fn rate_limited(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail).hint("try again later")
    }

    pub(crate) fn internal(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    fn trouble(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Full => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "internal", "the verifier's disk is full")
                    .hint("free some space on the verifier; nothing was recorded, so send it again then")
            }
            // What exactly is wrong is for the verifier's own log.
            _ => Self::internal("the verifier's database failed").hint("the verifier's log says more"),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "reading failed");
        Self::trouble(error.trouble())
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<RecordError> for Fault {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Replayed => Self::new(StatusCode::CONFLICT, "replayed", error)
                .hint("fetch the receipt of this evidence instead of sending it again"),
            RecordError::Overtaken => Self::new(StatusCode::CONFLICT, "seq-out-of-order", error),
            RecordError::ChainTaken => Self::malformed(error),
            RecordError::TooMany => {
                Self::new(StatusCode::CONFLICT, "too-many", error).hint("`lydian watch rm` removes a watch")
            }
            RecordError::Retired => {
                Self::new(StatusCode::CONFLICT, "retired", error).hint("it comes back by enrolling again")
            }
            RecordError::Join(refusal) => refusal.into(),
            RecordError::Stopped => Self::overloaded(error),
            RecordError::Store { trouble, .. } => Self::trouble(trouble),
        }
    }
}

impl From<JoinRefusal> for Fault {
    fn from(refusal: JoinRefusal) -> Self {
        Self::new(StatusCode::FORBIDDEN, refusal.code(), refusal)
            .hint("ask an operator for a new join token: `lydian-verifier join-token create`")
    }
}

impl From<BytesRejection> for Fault {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large("the request has more bytes than are accepted"),
            _ => Self::malformed("the request ended before its body did"),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let problem = Problem {
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail,
            hint: self.hint.to_owned(),
            resume: self.resume,
        };
        // Plain data without maps of odd keys always serialises.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let kind = HeaderValue::from_static(PROBLEM_MEDIA_TYPE);
        (self.status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}
