//! Operators of two known values.

use hcl_edit::expr::BinaryOperator;

use super::super::value::Data;

/// `None` where the result isn't known here.
pub fn binary(operator: BinaryOperator, left: &Data, right: &Data) -> Option<Data> {
    use BinaryOperator as Op;
    let is_equal = || match (left, right) {
        (Data::String(a), Data::String(b)) | (Data::Number(a), Data::Number(b)) => Some(a == b),
        (Data::Bool(a), Data::Bool(b)) => Some(a == b),
        (Data::Null, Data::Null) => Some(true),
        (Data::Null, _) | (_, Data::Null) => Some(false),
        _ => None,
    };
    let numbers = || match (left, right) {
        (Data::Number(a), Data::Number(b)) => Some((a.parse::<i64>().ok()?, b.parse::<i64>().ok()?)),
        _ => None,
    };
    let calculated = |calculate: fn(i64, i64) -> Option<i64>| {
        let (a, b) = numbers()?;
        Some(Data::Number(calculate(a, b)?.to_string()))
    };
    match (operator, left, right) {
        (Op::Eq, ..) => is_equal().map(Data::Bool),
        (Op::NotEq, ..) => is_equal().map(|equal| Data::Bool(!equal)),
        (Op::And, Data::Bool(a), Data::Bool(b)) => Some(Data::Bool(*a && *b)),
        (Op::Or, Data::Bool(a), Data::Bool(b)) => Some(Data::Bool(*a || *b)),
        (Op::Plus, ..) => calculated(i64::checked_add),
        (Op::Minus, ..) => calculated(i64::checked_sub),
        (Op::Mul, ..) => calculated(i64::checked_mul),
        (Op::Less, ..) => numbers().map(|(a, b)| Data::Bool(a < b)),
        (Op::Greater, ..) => numbers().map(|(a, b)| Data::Bool(a > b)),
        (Op::LessEq, ..) => numbers().map(|(a, b)| Data::Bool(a <= b)),
        (Op::GreaterEq, ..) => numbers().map(|(a, b)| Data::Bool(a >= b)),
        _ => None,
    }
}
