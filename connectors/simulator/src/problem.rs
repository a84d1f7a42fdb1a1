//! Refusals, and the bodies HubSpot gives them.
//!
//! The key order is the recorded one: status, message, correlationId, errors or context, links, category. Some refusals have
//! no category at all, which is recorded too.

use crate::json::Json;
use crate::writing::Flaw;

/// A refusal on its way to becoming a body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    message: String,
    category: Option<&'static str>,
    sub_category: Option<&'static str>,
    errors: Vec<Detail>,
    context: Vec<(&'static str, Vec<String>)>,
    /// Whether the body links to the list of scopes.
    scopes_link: bool,
    /// Whether the body is a page instead of JSON.
    page: bool,
}

/// Where a refusal for want of scopes points.
const SCOPES: &str = "https://developers.hubspot.com/scopes";

/// One entry of `errors`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Detail {
    pub(crate) message: String,
    pub(crate) code: Option<&'static str>,
    pub(crate) context: Vec<(&'static str, Vec<String>)>,
}

impl Problem {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Problem { status, message: message.into(), ..Problem::default() }
    }

    /// 400 `VALIDATION_ERROR`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Problem { category: Some("VALIDATION_ERROR"), ..Self::new(400, message) }
    }

    /// 400 with details.
    pub(crate) fn invalid_with(message: impl Into<String>, errors: Vec<Detail>) -> Self {
        Problem { errors, ..Self::invalid(message) }
    }

    /// 400 without category: the object type is unknown.
    pub(crate) fn object_type(asked: &str) -> Self {
        Self::new(400, format!("Unable to infer object type from: {asked}"))
    }

    /// 404 without category: a number that is no id.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "resource not found")
    }

    /// 404 for an id that is no number. The two spaces are HubSpot's.
    pub(crate) fn not_numeric(id: &str) -> Self {
        Problem {
            category: Some("OBJECT_NOT_FOUND"),
            context: vec![("id", vec![id.to_owned()])],
            ..Self::new(404, "Object not found.  objectId are usually numeric.")
        }
    }

    /// 404 `OBJECT_NOT_FOUND` with a sentence of its own.
    pub(crate) fn object_not_found(message: impl Into<String>) -> Self {
        Problem { category: Some("OBJECT_NOT_FOUND"), ..Self::new(404, message) }
    }

    /// A path or method that no endpoint answers: the server's own page, no JSON.
    pub(crate) fn no_route(status: u16) -> Self {
        let reason =
            if status == 405 { "HTTP method not allowed, supported methods: GET, OPTIONS" } else { "Not Found" };
        Problem { page: true, ..Self::new(status, reason) }
    }

    /// 414.
    pub(crate) fn too_long() -> Self {
        Problem { page: true, ..Self::new(414, "URI Too Long") }
    }

    /// 414 of a merge, as JSON.
    pub(crate) fn too_many_identities() -> Self {
        Self::new(414, "Cannot have more than 250 identities on a profile")
    }

    /// 500 as JSON.
    pub(crate) fn internal() -> Self {
        Self::new(500, "internal error")
    }

    /// An input of a batch that failed for no reason of its own.
    pub(crate) fn internal_item() -> Self {
        Problem { category: Some("INTERNAL_ERROR"), ..Self::new(500, "internal error") }
    }

    /// 401: no credentials in the request.
    pub(crate) fn unauthenticated() -> Self {
        Problem {
            category: Some("INVALID_AUTHENTICATION"),
            ..Self::new(
                401,
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
                 details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )
        }
    }

    /// 401: a token that no longer, or never, was good.
    pub(crate) fn expired(ago: &str, expire_time: String) -> Self {
        Problem {
            category: Some("EXPIRED_AUTHENTICATION"),
            context: vec![("expire time", vec![expire_time])],
            ..Self::new(401, format!("The OAuth token used to make this call expired {ago} ago."))
        }
    }

    /// 403 in the present shape, or in the older one of v3.
    pub(crate) fn missing_scopes(scopes: Vec<String>, dated: bool) -> Self {
        const ONE_OF: &str = "One or more of the following scopes are required.";
        if !dated {
            return Problem {
                category: Some("MISSING_SCOPES"),
                context: vec![("requiredGranularScopes", scopes), ("links", vec![SCOPES.to_owned()])],
                ..Self::new(403, ONE_OF)
            };
        }
        Problem {
            category: Some("MISSING_SCOPES"),
            errors: vec![Detail {
                message: ONE_OF.into(),
                code: None,
                context: vec![("requiredGranularScopes", scopes)],
            }],
            scopes_link: true,
            ..Self::new(
                403,
                "This app hasn't been granted all required scopes to make this call. Read more about required scopes \
                 here: https://developers.hubspot.com/scopes.",
            )
        }
    }

    /// 423.
    pub(crate) fn locked() -> Self {
        Self::new(423, "This resource is locked by another request. Try again in a moment.")
    }

    /// 409: another record has what may be had once only.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Problem { category: Some("CONFLICT"), ..Self::new(409, message) }
    }

    /// 409 of a definition whose name is taken.
    pub(crate) fn exists_already(message: impl Into<String>) -> Self {
        Problem { category: Some("OBJECT_ALREADY_EXISTS"), ..Self::new(409, message) }
    }

    /// The error that all ids without a record share.
    pub(crate) fn some_missing(singular: &str) -> Self {
        Self::object_not_found(format!(
            "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
            singular.to_uppercase()
        ))
    }

    /// 400 of values that properties do not take. The message holds all of them as JSON, `errors` only the first few, and
    /// neither says which input they came with.
    pub(crate) fn flaws(flaws: &[Flaw], portal: u64, listed: usize) -> Self {
        let mut j = Json::with_capacity(300 * flaws.len());
        for (n, flaw) in flaws.iter().enumerate() {
            j.raw(if n > 0 { ",{" } else { "{" }).key("isValid").boolean(false);
            j.raw(",").key("message").string(&flaw.message).raw(",").key("error").string(flaw.code);
            j.raw(",").key("name").string(&flaw.property);
            j.raw(",").key("localizedErrorMessage").string(&flaw.message).raw(",").key("portalId").number(portal);
            j.raw("}");
        }
        let detail = |flaw: &Flaw| {
            Detail::new(flaw.message.clone(), flaw.code, vec![("propertyName", vec![flaw.property.clone()])])
        };
        let words = format!("Property values were not valid: [{}]", String::from_utf8_lossy(&j.out));
        Self::invalid_with(words, flaws.iter().take(listed.max(1)).map(detail).collect())
    }

    pub(crate) fn with_sub(mut self, sub_category: &'static str) -> Self {
        self.sub_category = Some(sub_category);
        self
    }

    /// Says which input of a batch it is about.
    pub(crate) fn with_trace(self, trace: Option<String>) -> Self {
        match trace {
            Some(trace) => self.with_context("objectWriteTraceId", vec![trace]),
            None => self,
        }
    }

    /// Appends it as an item of a batch's errors, which has no correlation id.
    pub(crate) fn write_item(&self, j: &mut Json) {
        j.raw("{").key("status").string("error");
        if let Some(category) = self.category {
            j.raw(",").key("category").string(category);
        }
        if let Some(sub_category) = self.sub_category {
            j.raw(",").key("subCategory").string(sub_category);
        }
        j.raw(",").key("message").string(&self.message);
        write_context(j, &self.context);
        self.write_details(j);
        j.raw("}");
    }

    fn write_details(&self, j: &mut Json) {
        if self.errors.is_empty() {
            return;
        }
        j.raw(",").key("errors").raw("[");
        for (n, detail) in self.errors.iter().enumerate() {
            j.raw(if n > 0 { "," } else { "" });
            detail.write(j);
        }
        j.raw("]");
    }

    pub(crate) fn with_context(mut self, key: &'static str, values: Vec<String>) -> Self {
        self.context.push((key, values));
        self
    }

    /// Drops everything but the message.
    pub(crate) fn bare(mut self) -> Self {
        self.category = None;
        self.errors.clear();
        self.context.clear();
        self
    }

    /// The body, and whether it is JSON.
    pub(crate) fn body(&self, correlation: &str) -> (Vec<u8>, bool) {
        if self.page {
            return (page(self.status, &self.message).into_bytes(), false);
        }
        let mut j = Json::with_capacity(300);
        j.raw("{").key("status").string("error").raw(",").key("message").string(&self.message);
        j.raw(",").key("correlationId").string(correlation);
        self.write_details(&mut j);
        write_context(&mut j, &self.context);
        if self.scopes_link {
            j.raw(",").key("links").raw("{").key("scopes").string(SCOPES).raw("}");
        }
        if let Some(category) = self.category {
            j.raw(",").key("category").string(category);
        }
        if let Some(sub_category) = self.sub_category {
            j.raw(",").key("subCategory").string(sub_category);
        }
        j.raw("}");
        (j.out, true)
    }
}

impl Detail {
    pub(crate) fn new(
        message: impl Into<String>,
        code: &'static str,
        context: Vec<(&'static str, Vec<String>)>,
    ) -> Self {
        Detail { message: message.into(), code: Some(code), context }
    }

    fn write(&self, j: &mut Json) {
        j.raw("{").key("message").string(&self.message);
        if let Some(code) = self.code {
            j.raw(",").key("code").string(code);
        }
        write_context(j, &self.context);
        j.raw("}");
    }
}

/// Appends `,"context":{…}` unless there is none.
pub(crate) fn write_context(j: &mut Json, context: &[(&'static str, Vec<String>)]) {
    if context.is_empty() {
        return;
    }
    j.raw(",").key("context").raw("{");
    for (n, (key, values)) in context.iter().enumerate() {
        j.raw(if n > 0 { "," } else { "" }).key(key).strings(values);
    }
    j.raw("}");
}

/// An error page as the edge or the web server sends it.
pub(crate) fn page(status: u16, reason: &str) -> String {
    format!(
        "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1></center>\r\n\
         <hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    )
}
