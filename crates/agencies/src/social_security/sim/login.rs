//! The login: one role, one database, and a salted MD5 of the password, which is enough on this
//! machine. A real server asks for SCRAM-SHA-256, and the client takes either.

use std::sync::Arc;

use async_trait::async_trait;
use pgwire::api::ConnectionManager;
use pgwire::api::auth::md5pass::{Md5PasswordAuthStartupHandler, hash_md5_password};
use pgwire::api::auth::{AuthSource, DefaultServerParameterProvider, LoginInfo, Password};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};

use super::{DATABASE, USER};

/// Takes the messages of a connection until it is logged in.
pub(super) type Login = Md5PasswordAuthStartupHandler<Role, DefaultServerParameterProvider>;

/// A login with that password; connections that pass it can be asked to stop their statement.
pub(super) fn login(password: String, running: Arc<ConnectionManager>) -> Login {
    let parameters = Arc::new(DefaultServerParameterProvider::default());
    Login::new(Arc::new(Role { password }), parameters).with_connection_manager(running)
}

/// The one role. `Debug` shows no password.
pub(super) struct Role {
    password: String,
}

impl std::fmt::Debug for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Role(…)")
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait elides it, and must be matched"
)]
#[async_trait]
impl AuthSource for Role {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let mut salt = [0; 4];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| refusal("XX000", "no random numbers"))?;
        if login.user() != Some(USER) {
            let user = login.user().unwrap_or_default();
            return Err(PgWireError::InvalidPassword(user.to_owned()));
        }
        if login.database() != Some(DATABASE) {
            return Err(refusal("3D000", "database does not exist"));
        }
        let hash = hash_md5_password(USER, &self.password, &salt);
        Ok(Password::new(Some(salt.to_vec()), hash.into_bytes()))
    }
}

fn refusal(code: &str, message: &str) -> PgWireError {
    let error = ErrorInfo::new("FATAL".to_owned(), code.to_owned(), message.to_owned());
    PgWireError::UserError(Box::new(error))
}
