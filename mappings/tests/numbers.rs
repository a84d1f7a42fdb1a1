//! Numbers are digits: exact at any size, compared by value, never sent through a float (P40).

use mappings::{Cell, Field};
use proptest::prelude::*;

use crate::fixtures::field;

fn amount() -> Field {
    field("number: amount")
}

fn shows(field: &Field, wire: &str) -> String {
    let projection = field.project(Some(wire));
    let mark = if projection.outside { " outside" } else { "" };
    format!("{:?}{mark}", projection.cell)
}

#[test]
fn p40_a_decimal_is_integer_or_real_only_where_that_is_exact() {
    let rows: Vec<String> = [
        "24",
        "24.00",
        "-0",
        "0.0",
        "007",
        "+5",
        ".5",
        "5.",
        "1e3",
        "1E+3",
        "12.5",
        "0.1",
        "-12.340",
        "1e-30",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "12345678901234567890",
        "0.30000000000000004",
        "0.3000000000000000444",
        "123456789012345.67",
        "1234567890123456.78",
        "99999999999999999.99",
        "1e308",
        "1e309",
        "5e-324",
        "4e-324",
        "10000000000000000000000",
        "1e99999",
        "1e999999",
        "1,5",
        "1 000",
        " 1",
        "NaN",
        "inf",
        "0x10",
        "--1",
        "1.2.3",
        ".",
        "-",
        "e5",
        "1e",
        "٣",
    ]
    .iter()
    .map(|wire| format!("{wire} = {}", shows(&amount(), wire)))
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    24 = Integer(24)
    24.00 = Integer(24)
    -0 = Integer(0)
    0.0 = Integer(0)
    007 = Integer(7)
    +5 = Integer(5)
    .5 = Real(0.5)
    5. = Integer(5)
    1e3 = Integer(1000)
    1E+3 = Integer(1000)
    12.5 = Real(12.5)
    0.1 = Real(0.1)
    -12.340 = Real(-12.34)
    1e-30 = Real(1e-30)
    9007199254740993 = Integer(9007199254740993)
    9223372036854775807 = Integer(9223372036854775807)
    9223372036854775808 = Text("9223372036854775808")
    -9223372036854775808 = Integer(-9223372036854775808)
    -9223372036854775809 = Text("-9223372036854775809")
    12345678901234567890 = Text("12345678901234567890")
    0.30000000000000004 = Real(0.30000000000000004)
    0.3000000000000000444 = Text("0.3000000000000000444")
    123456789012345.67 = Real(123456789012345.67)
    1234567890123456.78 = Text("1234567890123456.78")
    99999999999999999.99 = Text("99999999999999999.99")
    1e308 = Real(1e308)
    1e309 = Text("1e309")
    5e-324 = Real(5e-324)
    4e-324 = Text("4e-324")
    10000000000000000000000 = Real(1e22)
    1e99999 = Text("1e99999")
    1e999999 = Null outside
    1,5 = Null outside
    1 000 = Null outside
     1 = Integer(1)
    NaN = Null outside
    inf = Null outside
    0x10 = Null outside
    --1 = Null outside
    1.2.3 = Null outside
    . = Null outside
    - = Null outside
    e5 = Null outside
    1e = Null outside
    ٣ = Null outside
    "#);
}

#[test]
fn p40_what_is_sent_is_the_shortest_decimal_and_never_an_exponent() {
    let rows: Vec<String> = [
        Cell::Integer(12),
        Cell::Integer(i64::MIN),
        Cell::Real(0.1),
        Cell::Real(0.1 + 0.2),
        Cell::Real(-0.0),
        Cell::Real(1e21),
        Cell::Real(1e-7),
        Cell::Real(f64::INFINITY),
        Cell::Real(f64::NAN),
        Cell::text("12345678901234567890.10"),
        Cell::text(" 12.50 "),
        Cell::text("+.5"),
        Cell::text("1e3"),
        Cell::text("1e99999"),
        Cell::text("twelve"),
        Cell::text("12,5"),
        Cell::text(""),
        Cell::Null,
    ]
    .iter()
    .map(|cell| match amount().to_wire(cell) {
        Ok(sent) => format!("{cell:?} = {}", sent.as_deref().unwrap_or("a clear")),
        Err(error) => format!("{cell:?} ! {error}"),
    })
    .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    Integer(12) = 12
    Integer(-9223372036854775808) = -9223372036854775808
    Real(0.1) = 0.1
    Real(0.30000000000000004) = 0.30000000000000004
    Real(-0.0) = 0
    Real(1e21) = 1000000000000000000000
    Real(1e-7) = 0.0000001
    Real(inf) ! column `amount`: `inf` is not a decimal number
    Real(NaN) ! column `amount`: `NaN` is not a decimal number
    Text("12345678901234567890.10") = 12345678901234567890.10
    Text(" 12.50 ") = 12.50
    Text("+.5") = 0.5
    Text("1e3") = 1000
    Text("1e99999") ! column `amount`: `1e99999` is not a decimal number of a reasonable length
    Text("twelve") ! column `amount`: `twelve` is not a decimal number
    Text("12,5") ! column `amount`: `12,5` is not a decimal number
    Text("") = a clear
    Null = a clear
    "#);
}

#[test]
fn p40_numbers_are_compared_by_value() {
    let amount = amount();
    for (a, b) in [("24", "24.00"), ("1e3", "1000"), ("-0", "0"), ("007", "7"), (".5", "0.50"), ("1e-30", "0.1e-29")] {
        assert!(amount.same_wire(Some(a), Some(b)), "{a} {b}");
    }
    for (a, b) in
        [("0.1", "0.10000000000000001"), ("9007199254740993", "9007199254740992"), ("1", "-1"), ("1", ""), ("x", "y")]
    {
        assert!(!amount.same_wire(Some(a), Some(b)), "{a} {b}");
    }
    assert!(amount.same_cell(&Cell::Integer(12), &Cell::Real(12.0)));
    assert!(amount.same_cell(&Cell::text("12.50"), &Cell::Real(12.5)));
    assert!(!amount.same_cell(&Cell::text("12.50"), &Cell::Real(12.51)));
    assert!(amount.same_cell(&Cell::text("what?"), &Cell::text("what?")));
    assert!(!amount.same_cell(&Cell::text("what?"), &Cell::Null));
}

#[test]
fn an_integer_column_shows_whole_numbers_and_nothing_else() {
    let whole = field("number: { column: n, type: integer }");
    let rows: Vec<String> = ["5", "5.0", "5e2", "5.5", "9223372036854775808", "five"]
        .iter()
        .map(|w| format!("{w} = {}", shows(&whole, w)))
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    5 = Integer(5)
    5.0 = Integer(5)
    5e2 = Integer(500)
    5.5 = Null outside
    9223372036854775808 = Null outside
    five = Null outside
    "#);
    assert_eq!(whole.to_wire(&Cell::Real(5.0)).unwrap().as_deref(), Some("5"));
    assert_eq!(whole.to_wire(&Cell::text("12")).unwrap().as_deref(), Some("12"));
    assert!(whole.to_wire(&Cell::Real(5.5)).is_err());
}

#[test]
fn a_scale_is_exact_and_a_third_decimal_is_outside() {
    let cents = field("number: { column: cents, type: integer, transform: { scale: 100 } }");
    let rows: Vec<String> =
        ["12.34", "12.3", "12", "-0.01", "12.345", "92233720368547758.07", "92233720368547758.08", "x"]
            .iter()
            .map(|wire| format!("{wire} = {}", shows(&cents, wire)))
            .collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    12.34 = Integer(1234)
    12.3 = Integer(1230)
    12 = Integer(1200)
    -0.01 = Integer(-1)
    12.345 = Null outside
    92233720368547758.07 = Integer(9223372036854775807)
    92233720368547758.08 = Null outside
    x = Null outside
    "#);
    assert_eq!(cents.to_wire(&Cell::Integer(1234)).unwrap().as_deref(), Some("12.34"));
    assert_eq!(cents.to_wire(&Cell::Integer(1200)).unwrap().as_deref(), Some("12"));
    assert_eq!(cents.to_wire(&Cell::Integer(-1)).unwrap().as_deref(), Some("-0.01"));
    assert!(cents.to_wire(&Cell::Real(0.5)).is_err());
    let exact = field("number: { column: x, transform: { scale: 1.6 } }");
    assert_eq!(exact.project(Some("0.1")).cell, Cell::Real(0.16));
    assert_eq!(exact.to_wire(&Cell::Integer(1)).unwrap().as_deref(), Some("0.625"));
}

proptest! {
    #[test]
    fn p40_any_digits_survive_the_way_through_the_mirror(text in "-?[0-9]{1,40}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?") {
        let amount = amount();
        let projection = amount.project(Some(&text));
        prop_assert!(!projection.outside);
        let sent = amount.to_wire(&projection.cell).unwrap().unwrap();
        prop_assert!(amount.same_wire(Some(&text), Some(&sent)), "{} was sent as {}", text, sent);
        prop_assert!(!sent.contains(['e', 'E']));
    }

    #[test]
    fn p40_any_float_that_a_person_writes_comes_back_as_that_float(value in proptest::num::f64::NORMAL) {
        let amount = amount();
        let sent = amount.to_wire(&Cell::Real(value)).unwrap().unwrap();
        prop_assert_eq!(sent.parse::<f64>().unwrap(), value);
        prop_assert!(amount.same_cell(&amount.project(Some(&sent)).cell, &Cell::Real(value)));
    }

    #[test]
    fn any_scale_and_any_number_come_back(digits in "-?[0-9]{1,30}(\\.[0-9]{1,20})?", twos in 0_u32..12, tens in -6_i32..6) {
        let factor = format!("{}e{tens}", 2_u64.pow(twos));
        let scaled = field(&format!("number: {{ column: x, transform: {{ scale: {factor} }} }}"));
        let cell = amount().project(Some(&digits)).cell;
        let sent = scaled.to_wire(&cell).unwrap();
        let back = scaled.project(sent.as_deref());
        prop_assert!(!back.outside && scaled.same_cell(&back.cell, &cell), "{} × {} came back as {:?}", digits, factor, back);
    }

    #[test]
    fn comparing_numbers_is_an_equivalence(a in "-?[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-9])?", b in "-?[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-9])?") {
        let amount = amount();
        let (x, y): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
        prop_assert!(amount.same_wire(Some(&a), Some(&a)));
        prop_assert_eq!(amount.same_wire(Some(&a), Some(&b)), amount.same_wire(Some(&b), Some(&a)));
        // So short that floats tell them apart.
        prop_assert_eq!(amount.same_wire(Some(&a), Some(&b)), x == y, "{} {}", a, b);
    }
}
