//! A static bearer token: a private app's token or a service key.
//!
//! The token lives in memory that is wiped when it is dropped. It is never printed: [`Debug`] shows that there is one,
//! and no error tells a byte of it.

use rustix::fs::OFlags;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// No token is longer; a larger file is something else.
const LONGEST: u64 = 16 * 1024;

/// A bearer token.
#[derive(Clone)]
pub struct Token(SecretString);

/// Why there is no usable token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set; set it to the token of the HubSpot app")]
    NotSet(String),
    /// What was found is empty.
    #[error("{0} is empty; it must hold the token of the HubSpot app")]
    Empty(String),
    /// What was found holds characters that no token has.
    #[error("{0} holds more than a token: there is a space, a line break or a character outside ASCII inside it")]
    NotAToken(String),
    /// The file can be read by others.
    #[error("{path} has mode {mode:04o}, so that others than its owner can read the token; run: chmod 600 {path}")]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to somebody else, who could replace the token.
    #[error("{path} belongs to user {owner}, not to the user who runs this; run: chown {user} {path}")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who runs this.
        user: u32,
    },
    /// The path names a symbolic link, a directory or something else that is no plain file.
    #[error("{0} is not a plain file; name the file that holds the token itself, not a link to it")]
    NotAFile(PathBuf),
    /// The file is far too large to be a token.
    #[error("{0} is larger than any token")]
    TooLarge(PathBuf),
    /// The file cannot be read.
    #[error("{path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Not started by systemd with a credential.
    #[error("there is no systemd credential {0}: $CREDENTIALS_DIRECTORY is not set; use LoadCredential= in the unit")]
    NoCredentials(String),
    /// The name of the credential is a path.
    #[error("`{0}` is no name of a systemd credential")]
    CredentialName(String),
}

impl Token {
    /// Takes a token over. `origin` names where it came from, for errors.
    ///
    /// One line break at the end is left out: that is how editors and `echo` end a file.
    ///
    /// # Errors
    /// When the text is empty, or holds spaces, control characters or anything else that no token has.
    pub fn new(text: impl Into<SecretString>, origin: &str) -> Result<Self, TokenError> {
        let text: SecretString = text.into();
        let all = text.expose_secret();
        let trimmed = all.strip_suffix('\n').map_or(all, |line| line.strip_suffix('\r').unwrap_or(line));
        if trimmed.is_empty() {
            return Err(TokenError::Empty(origin.to_owned()));
        }
        if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::NotAToken(origin.to_owned()));
        }
        Ok(Self(SecretString::from(trimmed)))
    }

    /// The token in an environment variable.
    ///
    /// # Errors
    /// When the variable is not set or holds no token.
    pub fn from_env(name: &str) -> Result<Self, TokenError> {
        let origin = format!("the environment variable {name}");
        match std::env::var(name) {
            Ok(text) => Self::new(text, &origin),
            Err(std::env::VarError::NotPresent) => Err(TokenError::NotSet(name.to_owned())),
            Err(std::env::VarError::NotUnicode(_)) => Err(TokenError::NotAToken(origin)),
        }
    }

    /// The token in a file of our own, which nobody else may read.
    ///
    /// # Errors
    /// When the file is a symbolic link, belongs to another user, is readable by group or others, or holds no token.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let file = open_plain(path)?;
        let metadata = file.metadata().map_err(|cause| unreadable(path, cause))?;
        refuse_exposed(path, &metadata, rustix::process::geteuid().as_raw())?;
        read(path, file)
    }

    /// The token that systemd passes to a unit with `LoadCredential=`. Its directory is private to the unit.
    ///
    /// # Errors
    /// When there is no such credential, or it holds no token.
    pub fn from_systemd_credential(name: &str) -> Result<Self, TokenError> {
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return Err(TokenError::CredentialName(name.to_owned()));
        }
        let Some(directory) = std::env::var_os("CREDENTIALS_DIRECTORY") else {
            return Err(TokenError::NoCredentials(name.to_owned()));
        };
        let path = Path::new(&directory).join(name);
        read(&path, open_plain(&path)?)
    }

    /// The value of an `Authorization` header.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0.expose_secret())
    }

    /// The text without the token, should a remote or a library repeat it.
    pub(crate) fn redact(&self, text: &str) -> String {
        text.replace(self.0.expose_secret(), "[token]")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token([redacted])")
    }
}

fn open_plain(path: &Path) -> Result<File, TokenError> {
    // Looked at before it is opened: opening a pipe would wait for its other end.
    let before = path.symlink_metadata().map_err(|cause| unreadable(path, cause))?;
    if !before.is_file() {
        return Err(TokenError::NotAFile(path.to_owned()));
    }
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|cause| unreadable(path, cause))?;
    let opened = file.metadata().map_err(|cause| unreadable(path, cause))?;
    if (before.dev(), before.ino()) != (opened.dev(), opened.ino()) {
        return Err(TokenError::NotAFile(path.to_owned()));
    }
    Ok(file)
}

fn refuse_exposed(path: &Path, metadata: &Metadata, user: u32) -> Result<(), TokenError> {
    let mode = metadata.mode() & 0o7777;
    if metadata.uid() != user {
        return Err(TokenError::NotOurs { path: path.to_owned(), owner: metadata.uid(), user });
    }
    if mode & 0o077 != 0 {
        return Err(TokenError::OpenToOthers { path: path.to_owned(), mode });
    }
    Ok(())
}

fn read(path: &Path, file: File) -> Result<Token, TokenError> {
    let mut text = String::new();
    match file.take(LONGEST + 1).read_to_string(&mut text) {
        Ok(_) if text.len() as u64 > LONGEST => Err(TokenError::TooLarge(path.to_owned())),
        Ok(_) => Token::new(text, &path.display().to_string()),
        Err(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
            Err(TokenError::NotAToken(path.display().to_string()))
        }
        Err(cause) => Err(unreadable(path, cause)),
    }
}

fn unreadable(path: &Path, cause: std::io::Error) -> TokenError {
    TokenError::Unreadable { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::{Token, TokenError, refuse_exposed};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    const CANARY: &str = "pat-na1-canary-5f1d";

    fn write(path: &Path, content: &str, mode: u32) {
        std::fs::write(path, content).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn s3_only_files_that_nobody_else_can_read_are_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        for mode in 0..0o1000u32 {
            write(&path, CANARY, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = Token::from_file(&path);
            if mode & 0o077 != 0 && mode & 0o400 != 0 {
                let error = read.unwrap_err().to_string();
                assert!(error.contains(&format!("{mode:04o}")) && error.contains("chmod 600"), "{error}");
                assert!(!error.contains(CANARY));
            } else if mode & 0o400 != 0 {
                assert_eq!(read.unwrap().bearer(), format!("Bearer {CANARY}"));
            }
        }
    }

    #[test]
    fn s3_a_file_of_somebody_else_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        write(&path, CANARY, 0o600);
        let metadata = path.metadata().unwrap();
        let stranger = std::os::unix::fs::MetadataExt::uid(&metadata) + 1;
        let error = refuse_exposed(&path, &metadata, stranger).unwrap_err();
        assert!(matches!(error, TokenError::NotOurs { .. }));
        assert!(error.to_string().contains("chown"), "{error}");
    }

    #[test]
    fn s3_links_directories_and_large_files_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        write(&real, CANARY, 0o600);
        symlink(&real, &link).unwrap();
        assert!(matches!(Token::from_file(&link), Err(TokenError::NotAFile(_))));
        assert!(matches!(Token::from_file(directory.path()), Err(TokenError::NotAFile(_))));
        assert!(matches!(Token::from_file(&directory.path().join("none")), Err(TokenError::Unreadable { .. })));
        write(&real, &"a".repeat(20_000), 0o600);
        assert!(matches!(Token::from_file(&real), Err(TokenError::TooLarge(_))));
    }

    #[test]
    fn one_line_break_at_the_end_is_left_out_and_nothing_else_is_forgiven() {
        for fine in [CANARY.to_owned(), format!("{CANARY}\n"), format!("{CANARY}\r\n")] {
            assert_eq!(Token::new(fine, "x").unwrap().bearer(), format!("Bearer {CANARY}"));
        }
        for empty in ["", "\n", "\r\n"] {
            assert!(matches!(Token::new(empty, "x"), Err(TokenError::Empty(_))));
        }
        for bad in [" a", "a b", "a\n\n", "a\tb", "a\u{0}", "é", "a\r"] {
            let error = Token::new(bad, "x").unwrap_err();
            assert!(matches!(error, TokenError::NotAToken(_)), "{bad:?}");
        }
    }

    #[test]
    fn s2_a_token_is_shown_nowhere() {
        let token = Token::new(CANARY, "x").unwrap();
        assert_eq!(format!("{token:?}"), "Token([redacted])");
        assert_eq!(token.redact(&format!("it was {CANARY}!")), "it was [token]!");
        let error = Token::new(format!("{CANARY} {CANARY}"), "x").unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY));
    }

    #[test]
    fn a_credential_is_named_not_pathed() {
        for name in ["", "..", "a/b", "/etc/passwd"] {
            assert!(matches!(Token::from_systemd_credential(name), Err(TokenError::CredentialName(_))));
        }
    }
}
