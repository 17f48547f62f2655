//! The portal's pages, with the marks by which they can be told apart, and the end tags that are out of place.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use chrono::{TimeDelta, Utc};

use crate::tokens::{Tenancy, Token};

pub(super) const LOGIN: &str = "<div class=\"page-header\" id=\"banner\"><h1>Login</h1><h3>Sign in with your account</h3>\
    <a href=\"/login/redirect\"><button class=\"btn btn-primary\">Login</button></a></div>";
pub(super) const FRONT: &str =
    "<h1>Object stores</h1><a class=\"btn\" href=\"/object-store\">Go to your object stores</a>";

/// Text inside HTML.
pub(super) fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\'' => safe.push_str("&#39;"),
            '"' => safe.push_str("&#34;"),
            c => safe.push(c),
        }
        safe
    })
}

/// Around every page; the bar at the top names who is signed in.
pub(super) fn page(user: Option<&str>, content: &str) -> Html<String> {
    let bar = user.map_or(String::new(), |user| {
        format!(
            "<div class=\"collapse navbar-collapse\"><ul class=\"navbar-nav\"><li class=\"nav-item active\">\
             <a class=\"nav-link\" href=\"/object-store/\">Object Stores</a></li></ul>\
             <ul class=\"navbar-nav ms-auto\"><li class=\"nav-item dropdown\">\
             <a href=\"#\" class=\"nav-link dropdown-toggle\" role=\"button\">\n\
             <i class=\"fas fa-user\"></i>&nbsp; {}\n<span class=\"caret\"></span></a>\
             <ul class=\"dropdown-menu\"><li><a class=\"dropdown-item\" href=\"/account/logout/\">Sign out</a></li>\
             </ul></li></ul></div>",
            escape(user)
        )
    });
    Html(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n<main id=\"root\">\n\
         <div id=\"content-main\"><div class=\"navbar\"><div class=\"container\">{bar}</div></div>\n\
         <div class=\"container mt-2\">\n{content}\n</div></div>\n</div>\n<footer></footer></main></body></html>"
    ))
}

/// Whatever went wrong. What it was stands in a comment nobody is shown.
pub(super) fn oops(status: StatusCode) -> Response {
    let content = "<script>\n  console.log(\"\")\n</script>\n<h1>Oops! Something went wrong</h1>\n\
        <a class=\"btn btn-primary mb-2\" href=\"/\">Go back home</a>\n<!-- \n\
        <p id=\"full-error\" style=\"display: none;\">Traceback (most recent call last): \
        headers={&#39;X-User-Secret-Key-Meta&#39;: &#39;TracebackSecret0123456789abcdef&#39;}</p>\n<script>\n}-->\n</script>";
    (status, page(None, content)).into_response()
}

pub(super) fn tenancies(user: &str, tenancies: &[Tenancy]) -> Html<String> {
    let mut cards = String::new();
    for Tenancy { name, location, .. } in tenancies {
        let (name, location) = (escape(name), escape(location));
        cards.push_str(&format!(
            "<div class=\"card my-3\"><div class=\"card-header\">\
             <h3 class=\"card-title\"><code>Object-Store: {name}</code></h3></div>\
             <div class=\"card-body\"><div class=\"row\"><div class=\"col-lg-9\"><p>{location}</p></div>\
             <div class=\"col-lg-3\"><a class=\"btn btn-primary\" href=\"object-store/{name}/\">\
             <i class=\"fas fa-fw fa-key\"></i> Manage Object Store</a></div></div></div></div>\n"
        ));
    }
    if tenancies.is_empty() {
        cards.push_str(
            "<p></p>\n<p>You are in no tenancy.</p><p>Apply <a href=\"https://accounts.example.org/\">here</a>.</p>",
        );
    }
    page(Some(user), &cards)
}

pub(super) fn password(user: &str, tenancy: &str, wrong: bool, timed_out: bool) -> Html<String> {
    let alert = if timed_out {
        "<div class=\"alert alert-warning\" role=\"alert\">Your session has timed out, please give your password.</div>"
    } else {
        ""
    };
    let input = if wrong {
        "<input type=\"password\" required=\"true\" class=\"form-control is-invalid\" id=\"password\" name=\"password\" />\
         <div class=\"invalid-feedback\">This password is incorrect</label>"
    } else {
        "<input type=\"password\" required=\"true\" class=\"form-control\" id=\"password\" name=\"password\" />"
    };
    let tenancy = escape(tenancy);
    let content = format!(
        "{alert}<h3>Please confirm your password</h3><div class=\"form-outline mb-4\">\
         <form action=\"/object-store/{tenancy}\" method=\"post\"><div class=\"col\">\
         <label for=\"password\">Password</label>{input}</div>\
         <input type=\"submit\" class=\"btn btn-primary\" /></form></div>"
    );
    page(Some(user), &content)
}

pub(super) fn keys(user: &str, tenancy: &str, tokens: &[Token]) -> Html<String> {
    let mut rows = String::new();
    for token in tokens {
        let soon = token.expires < Utc::now() + TimeDelta::weeks(1);
        let (row, state, disabled) = match (token.is_expired(), soon) {
            (true, _) => ("<tr class=\"table-danger\">", "EXPIRED", "disabled"),
            (false, true) => ("</tr>\n<tr class=\"table-warning\">", "EXPIRING", ""),
            (false, false) => ("</tr>\n<tr>", "ACTIVE", ""),
        };
        let (name, source) = (
            &token.name,
            escape(token.source.as_deref().unwrap_or_default()),
        );
        let (made, expires) = (
            token.made.format("%Y-%m-%d"),
            token.expires.format("%Y-%m-%d"),
        );
        rows.push_str(&format!(
            "{row}<td><code>{name}</code></td><td>{source}</td><td>{made}</td>\
             <td class=\"text-success\"><i class=\"fa fa-fw fa-check\"></i> <code>{state}</code></td><td>{expires}</td>\
             <td><form method=\"post\" action=\"\" id=\"delete_{name}_form\"><input type=\"hidden\" \
             id=\"delete_{name}_input\" name=\"delete_access_key\" value=\"{name}\" />\
             <button id=\"delete_{name}_btn\" {disabled} type=\"submit\">Delete</button></form></td></tr>\n"
        ));
    }
    let body = if tokens.is_empty() {
        String::new()
    } else {
        format!("<tbody>\n{rows}</tbody>")
    };
    let content = format!(
        "<div class=\"table-responsive\"><table class=\"table table-striped table-bordered\"><thead><tr>\
         <th>Access Key</th><th>Description</th><th>Created</th><th>Status</th><th>Expires</th><th></th></tr></thead>\n\
         {body}</table></div>"
    );
    within(user, tenancy, &content)
}

/// The form, and after a key was made the key: three `<code>`, of which the last is just words.
pub(super) fn create(user: &str, tenancy: &str, made: Option<(&str, &str)>) -> Html<String> {
    let created = made.map_or(String::new(), |(access, secret)| {
        format!(
            "<div class=\"banner banner-info modal\" id=\"key-creation-content\" tabindex=\"-1\">\
             <div class=\"modal-body\"><p><strong>Access Key: </strong><code>{access}</code></p>\
             <p><strong>S3 Secret Key: </strong><code>{secret}</code></p>\
             <p><strong class=\"text-danger\">WARNING:</strong> Keep your <code>S3 Secret Key</code> now: it is not \
             shown again!</p></div></div>"
        )
    });
    let content = format!(
        "<form method=\"POST\" action=\"\" id=\"object-store-form\"><label for=\"inputdesc\">Description</label>\
         <input type=\"text\" required=\"true\" maxlength=\"25\" id=\"inputdesc\" name=\"description\" />\
         <label for=\"inputdate\">Expires</label><input type=\"date\" required=\"true\" name=\"expires\" />\
         <button name=\"submitted\" type=\"submit\">Create Access Key</button></form>{created}"
    );
    within(user, tenancy, &content)
}

fn within(user: &str, tenancy: &str, content: &str) -> Html<String> {
    let tenancy = escape(tenancy);
    let tabs = format!(
        "<div class=\"page-header\" id=\"banner\"><h1>{tenancy}</h1><ul class=\"nav nav-tabs mb-3\">\
         <li><a href=\"/object-store/{tenancy}/create-keys\">Create Key</a></li>\
         <li><a href=\"/object-store/{tenancy}/access-keys\">View Keys</a>\
         <li><a href=\"/object-store/{tenancy}/buckets\">Buckets</a></li></li></ul>{content}</div>"
    );
    page(Some(user), &tabs)
}
