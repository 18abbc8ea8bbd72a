//! Accounts: registering and logging in.

use crate::decider::{Decider, Error, Order};
use crate::idempotency;
use crate::identity::Identity;
use crate::order::context;
use crate::passwords::Passwords;
use crate::section::Section;
use domain::account::{Account, Command, Username};
use events::Stream;
use poem::Request;
use poem::http::StatusCode;
use poem_openapi::param::Header;
use poem_openapi::types::Example;
use poem_openapi::{ApiRequest, ApiResponse, Object, OpenApi};
use runtime::auth::{Caller, Tokens};
use runtime::clock::Clock;
use runtime::config::Secret;
use runtime::http::{FormBody, JsonBody, Limited, Problem, RawJson, Refused, Statuses, example};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The routes of accounts.
pub(crate) struct Api {
    pub(crate) decider: Decider<Account>,
    pub(crate) identity: Identity,
    pub(crate) passwords: Passwords,
    pub(crate) tokens: Tokens,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) token_lifetime: Duration,
}

/// A user name and the password for it.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct Credentials {
    /// 3 to 64 letters, digits, dots, underscores, hyphens or at signs; upper and lower case are the same.
    #[oai(validator(min_length = 3, max_length = 64))]
    username: String,
    /// 8 characters to 1,024 bytes.
    password: String,
}

impl Limited for Credentials {}

impl Example for Credentials {
    fn example() -> Self {
        Self { username: "ada".to_owned(), password: "correct horse battery".to_owned() }
    }
}

/// The password form of OAuth 2 (RFC 6749, section 4.3.2).
#[derive(Deserialize, Object)]
#[oai(example)]
pub(crate) struct PasswordForm {
    /// `password`.
    grant_type: Option<String>,
    /// User name.
    username: String,
    /// Password.
    password: String,
}

impl Limited for PasswordForm {}

impl Example for PasswordForm {
    fn example() -> Self {
        let Credentials { username, password } = Credentials::example();
        Self { grant_type: Some("password".to_owned()), username, password }
    }
}

/// How to log in: JSON, or the form that OAuth 2 clients send.
#[derive(ApiRequest)]
pub(crate) enum Login {
    /// As JSON.
    Json(JsonBody<Credentials>),
    /// As a form.
    Form(FormBody<PasswordForm>),
}

/// A registered account.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct AccountView {
    /// The account's id.
    id: Uuid,
    /// The workspace that it owns.
    workspace_id: Uuid,
    /// Where the registration stands in the log.
    sequence: u64,
}

impl Example for AccountView {
    fn example() -> Self {
        Self { id: example::account().0, workspace_id: example::workspace().0, sequence: 1 }
    }
}

/// An access token.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct TokenView {
    /// To be sent as `Authorization: Bearer <access_token>`.
    access_token: String,
    /// `bearer`.
    token_type: String,
    /// Seconds that it is valid.
    expires_in: u64,
    /// The workspace that it opens.
    workspace_id: Uuid,
}

impl Example for TokenView {
    fn example() -> Self {
        Self {
            access_token: "<header>.<claims>.<signature>".to_owned(),
            token_type: "bearer".to_owned(),
            expires_in: 86_400,
            workspace_id: example::workspace().0,
        }
    }
}

/// The account was registered.
#[derive(ApiResponse)]
pub(crate) enum Registered {
    /// The account, also as the answer to a retry.
    #[oai(status = 201)]
    Account(RawJson<AccountView>),
}

/// A token was made.
#[derive(ApiResponse)]
pub(crate) enum Issued {
    /// The token.
    #[oai(status = 200)]
    Token(
        RawJson<TokenView>,
        /// `no-store` (RFC 6749, section 5.1).
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// How registering can fail.
pub(crate) struct RegisterStatuses;

impl Statuses for RegisterStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (409, "`username_taken`: somebody has the name."),
        (413, "The body is too large."),
        (415, "The body is not JSON."),
        (422, "`invalid_username`, `invalid_password`, `idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away or busy; retry."),
    ];
}

/// How logging in can fail.
pub(crate) struct LoginStatuses;

impl Statuses for LoginStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`wrong_credentials`: no such user name with this password."),
        (413, "The body is too large."),
        (415, "The body is neither JSON nor a form."),
        (422, "A body of another shape."),
        (503, "A needed part is away or busy; retry."),
    ];
}

#[OpenApi(tag = "Section::Accounts")]
impl Api {
    /// Register an account
    ///
    /// Every account owns a workspace of its own. With an `Idempotency-Key` a retry gets the first answer again.
    #[oai(path = "/v1/accounts", method = "post", operation_id = "register_account")]
    async fn register(
        &self,
        request: &Request,
        body: JsonBody<Credentials>,
        /// Names this registration: a retry with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<String>>,
    ) -> Result<Registered, Refused<RegisterStatuses>> {
        let username = Username::parse(&body.0.username).map_err(|error| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_username", "the user name cannot be used")
                .detail(error)
        })?;
        let password = secret(body.0.password);
        let account = username.account();
        let stream = Stream::account(account);
        let key = idempotency::key(key.0)?;
        let id = idempotency::command_id(key.as_deref(), account, &stream);
        let tip = self.decider.tip(stream).await.map_err(Problem::from)?;
        let (sequence, is_replayed) = match (&tip.state, tip.memory.find(id)) {
            (_, Some(done)) => (done.sequence, true),
            (Account::Active { .. }, None) => return Err(taken().into()),
            (Account::Absent, None) => {
                let hash = self.passwords.hash(password.clone()).await?;
                let credential = new_credential();
                self.identity.keep(credential, account.0, &hash).await.map_err(Problem::from)?;
                let order = Order {
                    stream,
                    id,
                    command: Command::Register { username, credential },
                    actor: account,
                    context: context(request),
                    allowed: None,
                    is_creation: true,
                };
                match self.decider.execute(order).await {
                    Ok(outcome) => (outcome.sequence, outcome.is_replayed),
                    Err(Error::KeyReused) => return Err(idempotency::reused().into()),
                    Err(Error::Log(error)) => return Err(Problem::from(error).into()),
                    Err(Error::Refused(_) | Error::Stale { .. }) => return Err(taken().into()),
                }
            }
        };
        // The password is no part of the event: that of a retry is held against the account's.
        if is_replayed && !self.fits(account, password).await? {
            return Err(idempotency::reused().into());
        }
        let view = AccountView { id: account.0, workspace_id: account.personal_workspace().0, sequence };
        Ok(Registered::Account(RawJson::of(&view)))
    }

    /// Log in
    ///
    /// Takes JSON, or the password form of OAuth 2, and answers an access token.
    #[oai(path = "/v1/tokens", method = "post", operation_id = "issue_token")]
    async fn issue_token(&self, login: Login) -> Result<Issued, Refused<LoginStatuses>> {
        let (username, password) = match login {
            Login::Json(JsonBody(login)) => (login.username, login.password),
            Login::Form(FormBody(form)) => {
                if form.grant_type.is_some_and(|grant| grant != "password") {
                    let title = "the grant type must be password";
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", title).into());
                }
                (form.username, form.password)
            }
        };
        let account = events::AccountId::of_username(&username);
        if !self.fits(account, secret(password)).await? {
            return Err(
                Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials", "user name or password is wrong").into()
            );
        }
        let caller = Caller { account, workspace: account.personal_workspace() };
        let token = RawJson::of(&TokenView {
            access_token: self.tokens.issue(caller, self.clock.now(), self.token_lifetime),
            token_type: "bearer".to_owned(),
            expires_in: self.token_lifetime.as_secs(),
            workspace_id: caller.workspace.0,
        });
        Ok(Issued::Token(token, "no-store".to_owned()))
    }
}

impl Api {
    /// Whether a password is the account's; an account that does not exist has none.
    async fn fits(&self, account: events::AccountId, password: Secret) -> Result<bool, Problem> {
        let hash = match self.decider.load(Stream::account(account)).await? {
            Account::Active { credential, .. } => self.identity.hash(credential).await?,
            Account::Absent => None,
        };
        self.passwords.fits(password, hash).await
    }
}

fn taken() -> Problem {
    Problem::new(StatusCode::CONFLICT, "username_taken", "the user name is taken")
}

fn secret(text: String) -> Secret {
    match text.parse() {
        Ok(secret) => secret,
    }
}

#[expect(clippy::disallowed_methods, reason = "every attempt to register has a row of its own")]
fn new_credential() -> Uuid {
    Uuid::now_v7()
}
