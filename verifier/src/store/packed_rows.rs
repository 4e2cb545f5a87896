//! Many rows of numbers as one value: a row each costs more on its way through the driver than it takes to be found.
//!
//! In: a statement that gives one text, numbers with spaces between. Out: tuples. A number that is absent is -1.

use super::StoreError;
use crate::sql::{Connection, QueryAs};

/// Tuples of `N` numbers.
pub(crate) async fn numbers<const N: usize>(
    reading: &mut Connection<'_>,
    query: QueryAs<Option<String>>,
) -> Result<Vec<[i64; N]>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "numbers that are none" };
    let Some(text) = query.fetch_one(reading).await? else { return Ok(Vec::new()) };
    let mut all = Vec::with_capacity(text.len() / (N * 6));
    let (mut tuple, mut filled) = ([0_i64; N], 0);
    for word in text.split(' ') {
        *tuple.get_mut(filled).ok_or(DAMAGED)? = word.parse().map_err(|_| DAMAGED)?;
        filled += 1;
        if filled == N {
            all.push(tuple);
            filled = 0;
        }
    }
    if filled == 0 { Ok(all) } else { Err(DAMAGED) }
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
