//! The way of documents through the whole system, as clients see it.

use reqwest::Method;
use serde_json::json;
use tests::System;
use tests::client::{send, shown};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn a_document_is_uploaded_edited_listed_and_restored() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;

    let body = json!({
        "title": "Containers", "text": "# Containers\n\nshare a kernel", "media_type": "text/markdown",
        "source": { "kind": "file", "name": "containers.md" }, "skill_level": "beginner", "tags": ["Ops", "linux"],
    });
    let uploaded = ada.post("/v1/documents", &body).await.expect(201);
    let (id, first) = (uploaded.id(), uploaded.sequence());
    assert_eq!(uploaded.header("etag"), Some(format!("\"{first}\"").as_str()));

    let document = ada.document(&id, first).await;
    assert_eq!(document["title"], "Containers");
    assert_eq!(document["tags"], json!(["linux", "ops"]), "tags are lower case and in order");
    assert_eq!(document["source"], json!({ "kind": "file", "name": "containers.md" }));
    let content = ada.get(&format!("/v1/documents/{id}/content")).await.expect(200);
    assert_eq!(content.text, "# Containers\n\nshare a kernel");
    assert_eq!(content.header("content-type"), Some("text/markdown; charset=utf-8"));

    ada.put(&format!("/v1/documents/{id}/content"), &json!({ "text": "revised" })).await.expect(200);
    ada.put(&format!("/v1/documents/{id}/title"), &json!({ "title": "Pods" })).await.expect(200);
    ada.put(&format!("/v1/documents/{id}/description"), &json!({ "skill_level": "advanced" })).await.expect(200);
    ada.put(&format!("/v1/documents/{id}/tags/new"), &json!({})).await.expect(200);
    ada.delete(&format!("/v1/documents/{id}/tags/ops")).await.expect(200);
    let trashed = ada.delete(&format!("/v1/documents/{id}")).await.expect(200).sequence();
    let document = ada.document(&id, trashed).await;
    assert_eq!((&document["title"], &document["state"]), (&json!("Pods"), &json!("trashed")));
    assert_eq!((&document["revision"], &document["skill_level"]), (&json!(2), &json!("advanced")));
    assert_eq!(document["tags"], json!(["linux", "new"]));
    let list = ada.get("/v1/documents").await.expect(200).json();
    assert_eq!(list["documents"], json!([]), "the trash is not in the list");
    assert_eq!(ada.get("/v1/statistics").await.expect(200).json()["trashed"], 1);

    let restored = ada.post(&format!("/v1/documents/{id}/restore"), &json!({})).await.expect(200).sequence();
    let list = ada
        .get(&format!("/v1/documents?tag=new&state=live&source=file&min_sequence={restored}"))
        .await
        .expect(200)
        .json();
    assert_eq!(list["documents"][0]["id"], id.as_str());
    let history = ada.get(&format!("/v1/documents/{id}/history")).await.expect(200).json();
    let kinds: Vec<_> =
        history["changes"].as_array().expect("changes").iter().map(|change| change["kind"].clone()).collect();
    assert_eq!(
        json!(kinds),
        json!(["restored", "trashed", "untagged", "tagged", "described", "retitled", "revised", "uploaded"])
    );
    let retitled = ada.get(&format!("/v1/documents/{id}/history?kind=retitled")).await.expect(200).json();
    assert_eq!(retitled["changes"].as_array().map(Vec::len), Some(1));
    assert_eq!(retitled["changes"][0]["detail"]["title"], "Pods");

    let system = system.restart().await;
    let ada = ada.moved(&system);
    assert_eq!(ada.document(&id, restored).await["title"], "Pods", "the next start finds all data");
    system.finish().await;
}

#[tokio::test]
async fn a_text_in_another_media_type_is_another_answer() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("title", "the same").await;
    let path = format!("/v1/documents/{}/content", uploaded.id());
    let revised = json!({ "text": "the same", "media_type": "text/markdown" });
    let content = |tag: String, sequence: u64| {
        let path = format!("{path}?min_sequence={sequence}");
        shown(ada.query(Method::GET, &path).header("If-None-Match", tag))
    };
    let plain = ada.get(&format!("{path}?min_sequence={}", uploaded.sequence())).await.expect(200);
    let tag = plain.header("etag").expect("a tag").to_owned();
    let sequence = ada.put(&path, &revised).await.expect(200).sequence();
    let markdown = content(tag, sequence).await.expect(200);
    assert_eq!(markdown.header("content-type"), Some("text/markdown; charset=utf-8"));
    content(markdown.header("etag").expect("a tag").to_owned(), sequence).await.expect(304);
    system.finish().await;
}

#[tokio::test]
async fn lists_are_sorted_filtered_and_paged() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let mut last = 0;
    for n in 0..25 {
        let body = json!({ "title": format!("{} {n:02}", if n % 2 == 0 { "Alpha" } else { "beta" }), "text": format!("{n}"),
                           "tags": if n % 5 == 0 { json!(["fifth"]) } else { json!([]) } });
        last = ada.post("/v1/documents", &body).await.expect(201).sequence();
    }
    for (sort, order) in [("title", "asc"), ("title", "desc"), ("created_at", "asc"), ("updated_at", "desc")] {
        let mut path = format!("/v1/documents?sort={sort}&order={order}&limit=7&min_sequence={last}");
        let mut titles = Vec::new();
        loop {
            let answer = ada.get(&path).await.expect(200);
            let page = answer.json();
            titles.extend(
                page["documents"]
                    .as_array()
                    .expect("documents")
                    .iter()
                    .map(|d| d["title"].as_str().expect("a title").to_owned()),
            );
            let Some(cursor) = page["next_cursor"].as_str() else {
                assert_eq!(answer.header("link"), None);
                break;
            };
            assert!(answer.header("link").is_some_and(|link| link.ends_with("rel=\"next\"")));
            path = format!("/v1/documents?sort={sort}&order={order}&limit=7&cursor={cursor}");
        }
        let number = |title: &String| title.rsplit(' ').next().map(str::to_owned);
        let mut expected = titles.clone();
        match sort {
            "title" => expected.sort_by_key(|title| title.to_lowercase()),
            _ => expected.sort_by_key(number),
        }
        if order == "desc" {
            expected.reverse();
        }
        assert_eq!((titles.len(), &titles), (25, &expected), "{sort} {order}");
    }
    let fifth = ada.get("/v1/documents?tag=fifth").await.expect(200).json();
    assert_eq!(fifth["documents"].as_array().map(Vec::len), Some(5));
    let cursor = ada.get("/v1/documents?limit=1").await.json()["next_cursor"].as_str().expect("more").to_owned();
    ada.get(&format!("/v1/documents?sort=title&cursor={cursor}")).await.expect_problem(400, "invalid_cursor");
    ada.get("/v1/documents?cursor=nonsense").await.expect_problem(400, "invalid_cursor");
    ada.get("/v1/documents?limit=0").await.expect_problem(400, "invalid_parameter");
    system.finish().await;
}

#[tokio::test]
async fn a_long_text_stands_in_the_blob_store() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let long = "\u{1}long \u{1f980} ".repeat(60_000);
    let uploaded = ada.upload("long", &long).await;
    let path = format!("/v1/documents/{}/content?min_sequence={}", uploaded.id(), uploaded.sequence());
    assert_eq!(ada.get(&path).await.expect(200).text, long);
    let revised =
        ada.put(&format!("/v1/documents/{}/content", uploaded.id()), &json!({ "text": "short" })).await.expect(200);
    let path = format!("/v1/documents/{}/content?min_sequence={}", uploaded.id(), revised.sequence());
    assert_eq!(ada.get(&path).await.expect(200).text, "short");
    system.finish().await;
}

#[tokio::test]
async fn a_read_is_not_sent_again_while_nothing_changed() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("title", "text").await;
    let one = |rest: &str| format!("/v1/documents/{}{rest}", uploaded.id());
    for path in [one(""), one("/content"), one("/history"), "/v1/documents".into(), "/v1/statistics".into()] {
        let first = ada.get(&format!("{path}?min_sequence={}", uploaded.sequence())).await.expect(200);
        let etag = first.header("etag").expect("an entity tag").to_owned();
        let again = send(ada.query(Method::GET, &path).header("If-None-Match", &etag)).await.expect(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", Some(etag.as_str())));
    }
    let shown: u64 = ada
        .get(&format!("/v1/documents?min_sequence={}", uploaded.sequence()))
        .await
        .header("syncboard-sequence")
        .and_then(|s| s.parse().ok())
        .expect("a sequence");
    assert!(shown >= uploaded.sequence());
    system.finish().await;
}
