//! Values of statements.
//!
//! In: numbers, texts, bytes, or nothing of one of these. Out: arguments for either driver. Truth values are the numbers 0 and 1 in both.

use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

/// A value; PostgreSQL wants to know what kind of nothing it is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// A text. PostgreSQL has none with U+0000, which is not worth a difference: what hosts say is shown, not run.
    fn text(value: String) -> Self {
        Self::Text(Some(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value }))
    }

    pub(super) fn add_to_sqlite(self, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Number(value) => to.add(value),
            Self::Text(value) => to.add(value),
            Self::Bytes(value) => to.add(value),
        }
    }

    /// Values of one column, which are all of its kind.
    pub(super) fn add_list_to_postgres(list: Vec<Self>, to: &mut PgArguments) -> Result<(), BoxDynError> {
        match list.first() {
            Some(Self::Text(_)) => to.add(of_kind(list, |value| match value {
                Self::Text(value) => Some(value),
                _ => None,
            })?),
            Some(Self::Bytes(_)) => to.add(of_kind(list, |value| match value {
                Self::Bytes(value) => Some(value),
                _ => None,
            })?),
            _ => to.add(of_kind(list, |value| match value {
                Self::Number(value) => Some(value),
                _ => None,
            })?),
        }
    }

    pub(super) fn add_to_postgres(self, to: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Number(value) => to.add(value),
            Self::Text(value) => to.add(value),
            Self::Bytes(value) => to.add(value),
        }
    }
}

fn of_kind<T>(list: Vec<Value>, kind: fn(Value) -> Option<T>) -> Result<Vec<T>, BoxDynError> {
    list.into_iter()
        .map(|value| kind(value).ok_or_else(|| "values of a column differ in kind".into()))
        .collect()
}

macro_rules! values {
    ($($from:ty => |$value:ident| $to:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        })*
    };
}

values! {
    i64 => |value| Self::Number(Some(value));
    &i64 => |value| Self::Number(Some(*value));
    bool => |value| Self::Number(Some(value.into()));
    Option<i64> => |value| Self::Number(value);
    &Option<i64> => |value| Self::Number(*value);
    &str => |value| Self::text(value.to_owned());
    &&str => |value| Self::text((*value).to_owned());
    String => |value| Self::text(value);
    &String => |value| Self::text(value.clone());
    Option<String> => |value| value.map_or(Self::Text(None), Self::text);
    Option<&str> => |value| value.map_or(Self::Text(None), |value| Self::text(value.to_owned()));
    &[u8] => |value| Self::Bytes(Some(value.to_vec()));
    Vec<u8> => |value| Self::Bytes(Some(value));
    &Vec<u8> => |value| Self::Bytes(Some(value.clone()));
    Option<Vec<u8>> => |value| Self::Bytes(value);
    Option<&[u8]> => |value| Self::Bytes(value.map(<[u8]>::to_vec));
}
