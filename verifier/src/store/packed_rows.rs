//! Many rows of numbers as a few values: a row each costs more on its way through the driver than it takes to be found.
//!
//! In: a statement that gives one row of texts, each a column's numbers with spaces between, all in the same order. Out: tuples. A number that
//! is absent is -1.

use super::StoreError;
use crate::sql::{Connection, Query};

/// Tuples of `N` numbers.
pub(crate) async fn numbers<const N: usize>(
    reading: &mut Connection<'_>,
    query: Query,
) -> Result<Vec<[i64; N]>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "numbers that are none" };
    let row = query.fetch_one(reading).await?;
    let mut all: Vec<[i64; N]> = Vec::new();
    for column in 0..N {
        // Where there are no rows there is no text.
        let Some(text) = row.try_get::<Option<String>>(column)? else { continue };
        if column == 0 {
            all.reserve(text.len() / 4);
        }
        let mut count = 0;
        for word in text.split(' ') {
            if column == 0 {
                all.push([0; N]);
            }
            let tuple = all.get_mut(count).ok_or(DAMAGED)?;
            *tuple.get_mut(column).ok_or(DAMAGED)? = word.parse().map_err(|_| DAMAGED)?;
            count += 1;
        }
        if count != all.len() {
            return Err(DAMAGED);
        }
    }
    Ok(all)
}

/// A number that is -1 where it is absent.
pub(crate) fn present(number: i64) -> Option<i64> {
    (number >= 0).then_some(number)
}

/// Numbers as a statement takes them for `json_each`.
pub(crate) fn list(numbers: &[i64]) -> String {
    let mut text = String::with_capacity(numbers.len() * 8 + 2);
    text.push('[');
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&number.to_string());
    }
    text.push(']');
    text
}
