//! The closed lists of words that a mapping file chooses from.

use std::fmt;

/// An enum whose variants are the words of a mapping file.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every word, in the order in which it is explained.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word as it stands in a mapping file.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(crate) fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Which way values travel.
    Direction {
        /// Both ways.
        Both = "both",
        /// Only from the remote into the mirror: the column is read-only.
        Pull = "pull",
        /// Only from the mirror to the remote.
        Push = "push",
    }
}

words! {
    /// Who wins when both sides changed a value differently.
    Policy {
        /// The remote's value stands, the local one is kept among the conflicts.
        RemoteWins = "remote_wins",
        /// The local value is sent, the remote one is kept among the conflicts.
        LocalWins = "local_wins",
        /// The later edit stands.
        Newest = "newest",
        /// Neither side is written until a person decides.
        Hold = "hold",
    }
}

words! {
    /// What a plain SQL DELETE means.
    Deletes {
        /// Nothing: the row comes back.
        Ignore = "ignore",
        /// The record is archived, under the safety belts.
        Archive = "archive",
    }
}

words! {
    /// What becomes of the properties that no field names.
    Unmapped {
        /// They are fetched, and readable in the raw view.
        Json = "json",
        /// They are not even fetched.
        Ignore = "ignore",
    }
}

words! {
    /// The type of a column.
    ColumnType {
        /// Text as sent.
        Text = "text",
        /// A whole number.
        Integer = "integer",
        /// A number: INTEGER or REAL where that is exact, otherwise TEXT with the remote's digits.
        Decimal = "decimal",
        /// 0 or 1.
        Boolean = "boolean",
        /// `YYYY-MM-DD`.
        Date = "date",
        /// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
        Datetime = "datetime",
        /// JSON text.
        Json = "json",
    }
}

impl ColumnType {
    /// The type to declare in SQL. A decimal has none: any affinity would turn digits into a float.
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Text | Self::Date | Self::Datetime | Self::Json => "TEXT",
            Self::Integer | Self::Boolean => "INTEGER",
            Self::Decimal => "",
        }
    }
}
