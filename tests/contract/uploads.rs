//! Uploads: forms and addresses on LocalStack's S3, from quarantine to publication and from use to
//! deletion.

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_s3::primitives::ByteStream;
use domain::card::Card;
use domain::card::media::{CardMedia, Photos};
use domain::card::voice::Voice;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CompanyId, Id, ProductId, UploadId};
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use domain::media::upload::{LINGER_MS, Purpose, Refusal, Upload, UploadState, media_key, quarantine_key};
use housekeeping::Housekeeping;
use media_inspector::Inspector;
use media_inspector::file::Files;
use runtime::clock::Clock;
use runtime::s3_signing::{PostForm, PostedFile, SignedBucket};
use serde_json::Value;
use store::{CardChange, Store};
use testkit::emulators;
use testkit::events::{all, call, load};
use testkit::world::World;
use uuid::Uuid;

use crate::event_files::KeptDeadLetters;
use crate::functions::{Functions, MEDIA_URL, no_stop};

const BOUNDARY: &str = "------------------------boundary";

/// Sends a form like a mini-program; returns the status and S3's code.
async fn send(form: &PostForm, file: &[u8]) -> (u16, String) {
    let mut body = Vec::new();
    for (name, value) in &form.fields {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.as_bytes());
    }
    let disposition = "Content-Disposition: form-data; name=\"file\"; filename=\"tmp.jpg\"";
    body.extend(format!("--{BOUNDARY}\r\n{disposition}\r\n\r\n").as_bytes());
    body.extend(file);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let request = reqwest::Client::new().post(&form.url).body(body);
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    let code = text.split("<Code>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
    (status, code.to_owned())
}

#[tokio::test]
async fn a_form_sends_one_file_of_its_key_type_and_size_while_it_is_good() {
    let (sdk, name, url) = emulators::bucket().await;
    let (bucket, now) = (SignedBucket::new(&sdk, name, url).unwrap(), Clock::system().now());
    let signer = bucket.signer(now).await.unwrap();
    let file = PostedFile { key: "q/1", content_type: "image/jpeg", bytes_max: 4, until: now.plus_millis(60_000) };
    let form = signer.post(file);
    assert_eq!(send(&form, b"12345").await, (400, "EntityTooLarge".to_owned()));
    assert_eq!(send(&form, b"").await, (400, "EntityTooSmall".to_owned()));
    for (field, value) in [("key", "q/2"), ("Content-Type", "text/html")] {
        let mut other = form.clone();
        other.fields.insert(field, value.to_owned());
        assert_eq!(send(&other, b"1234").await, (403, "AccessDenied".to_owned()), "{field}");
    }
    let over = signer.post(PostedFile { until: now.plus_millis(-1_000), ..file });
    assert_eq!(send(&over, b"1234").await, (403, "AccessDenied".to_owned()));
    assert_eq!(reqwest::get(signer.get("q/1", 60_000)).await.unwrap().status(), 404, "nothing was stored");
    assert_eq!(send(&form, b"1234").await.0, 204);
    let read = reqwest::get(signer.get("q/1", 60_000)).await.unwrap();
    assert_eq!(read.headers()["content-type"], "image/jpeg");
    assert_eq!(read.bytes().await.unwrap(), &b"1234"[..]);
    let past = bucket.signer(now.plus_millis(-120_000)).await.unwrap().get("q/1", 60_000);
    assert_eq!(reqwest::get(past).await.unwrap().status(), 403, "an address is good for its time only");
}

/// The inspector on a bucket of its own.
struct Inspection {
    s3: aws_sdk_s3::Client,
    bucket: String,
    inspector: Inspector<KeptDeadLetters>,
}

impl Inspection {
    async fn of(world: &World) -> Self {
        let (sdk, bucket, _) = emulators::bucket().await;
        let s3 = aws_sdk_s3::Client::new(&sdk);
        let inspector = Inspector {
            store: Store::new(world.dynamodb.clone(), world.table.clone()),
            files: Files::new(s3.clone(), bucket.clone()),
            failed: KeptDeadLetters::default(),
            max_attempts: 5,
            clock: world.clock.clock(),
        };
        Self { s3, bucket, inspector }
    }

    async fn put(&self, key: &str, file: &[u8]) {
        let body = ByteStream::from(file.to_vec());
        self.s3.put_object().bucket(&self.bucket).key(key).body(body).send().await.unwrap();
    }

    /// Content type and bytes of a file.
    async fn get(&self, key: &str) -> Option<(String, Vec<u8>)> {
        let found = self.s3.get_object().bucket(&self.bucket).key(key).send().await.ok()?;
        let kind = found.content_type.clone().unwrap_or_default();
        Some((kind, found.body.collect().await.unwrap().to_vec()))
    }

    async fn handle(&self, event: &str) {
        let event: SqsEvent = serde_json::from_str(event).unwrap();
        let response = media_inspector::handle(&self.inspector, event, "r").await;
        assert!(response.batch_item_failures.is_empty());
    }
}

fn png(pixels: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8], content: &[u8]| {
        [&u32::try_from(content.len()).unwrap().to_be_bytes(), kind, content, b"CRC!"].concat()
    };
    let header = chunk(b"IHDR", &[0, 0, 0, 5, 0, 0, 0, 3, 8, 2, 0, 0, 0]);
    [b"\x89PNG\r\n\x1A\n", &header[..], &chunk(b"IDAT", pixels), &chunk(b"IEND", b"")].concat()
}

/// A ticket's upload that waits for its file.
async fn waiting(world: &World, purpose: Purpose) -> Upload {
    let format = domain::media::upload::Format::Png;
    let upload = Upload { format, ..world.upload(purpose) };
    let request = world.request(&upload.id.to_string());
    world.store.create_upload(world.company, upload, &request, &[]).await.unwrap()
}

#[tokio::test]
async fn a_file_is_inspected_once_and_published_as_what_it_is() {
    let mut world = World::new().await;
    let inspection = Inspection::of(&world).await;
    let upload = waiting(&world, Purpose::Photo).await.id;
    world.uploads.insert("photo", upload);
    let event = load("media-inspector", "file", &world);
    inspection.handle(&event).await;
    assert_eq!(world.store.upload(world.company, upload).await.unwrap().state, UploadState::Waiting, "no file yet");
    let (quarantine, media) = (quarantine_key(world.company, upload), media_key(world.company, upload));
    inspection.put(&quarantine, &png(b"first")).await;
    inspection.handle(&event).await;
    let ready = UploadState::Ready { duration_ms: None };
    assert_eq!(world.store.upload(world.company, upload).await.unwrap().state, ready);
    assert_eq!(inspection.get(&media).await.unwrap(), ("image/png".to_owned(), png(b"first")));
    assert_eq!(inspection.get(&quarantine).await, None);
    // The ticket stays valid for a while: another file under it changes nothing, good or bad.
    for other in [&png(b"second")[..], b"<html>"] {
        inspection.put(&quarantine, other).await;
        inspection.handle(&event).await;
        assert_eq!(inspection.get(&media).await.unwrap().1, png(b"first"));
        assert_eq!(inspection.get(&quarantine).await, None);
    }
    assert_eq!(world.store.upload(world.company, upload).await.unwrap().state, ready);
}

#[tokio::test]
async fn a_text_that_is_called_a_picture_is_refused_and_never_published() {
    let mut world = World::new().await;
    let inspection = Inspection::of(&world).await;
    let upload = waiting(&world, Purpose::Photo).await.id;
    world.uploads.insert("photo", upload);
    inspection.put(&quarantine_key(world.company, upload), b"<html><script>").await;
    inspection.handle(&load("media-inspector", "file", &world)).await;
    let state = UploadState::Refused { reason: Refusal::WrongType };
    assert_eq!(world.store.upload(world.company, upload).await.unwrap().state, state);
    for key in [quarantine_key(world.company, upload), media_key(world.company, upload)] {
        assert_eq!(inspection.get(&key).await, None);
    }
}

#[tokio::test]
async fn messages_without_a_ticket_go_to_the_dead_letters_and_a_test_of_s3_does_not() {
    let world = World::new().await;
    let inspection = Inspection::of(&world).await;
    for case in all("media-inspector") {
        inspection.handle(&load("media-inspector", &case, &world)).await;
    }
    let reasons: Vec<_> = inspection.inspector.failed.0.lock().unwrap().iter().map(|(_, reason)| *reason).collect();
    assert_eq!(reasons, ["unknown_key"]);
}

async fn card(world: &World) -> Card {
    world.store.card(world.company, world.card("lin")).await.unwrap()
}

async fn show(world: &World, read: &Card, media: CardMedia) -> Result<Card, Failure> {
    world.store.edit_media(world.company, CardChange { read, audit: None, now: world.clock.now() }, media).await
}

#[tokio::test]
async fn an_upload_is_used_once_and_of_two_edits_one_is_made() {
    let world = World::new().await;
    let read = card(&world).await;
    let avatar = CardMedia { avatar: Some(world.uploads["avatar"]), ..CardMedia::default() };
    let photo = CardMedia { photos: Photos::parse(vec![world.uploads["photo"]]).unwrap(), ..CardMedia::default() };
    let (a, b) = tokio::join!(show(&world, &read, avatar.clone()), show(&world, &read, photo));
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|done| **done).count(), 1);
    let lost = if a.is_ok() { b } else { a };
    assert!(matches!(lost.unwrap_err(), Failure::VersionConflict | Failure::Busy));
    let shown = card(&world).await;
    let empty = show(&world, &shown, CardMedia::default()).await.unwrap();
    let used = shown.media.uploads().next().unwrap();
    let again = CardMedia { avatar: Some(used), ..CardMedia::default() };
    assert_eq!(show(&world, &empty, again).await.unwrap_err(), Failure::VersionConflict, "used before");
    let waits = CardMedia { video: Some(waiting(&world, Purpose::CardVideo).await.id), ..CardMedia::default() };
    assert_eq!(show(&world, &empty, waits).await.unwrap_err(), Failure::VersionConflict, "not inspected");
    assert_eq!(card(&world).await, empty);
}

#[tokio::test]
async fn unused_uploads_are_deleted_and_used_ones_stay() {
    let world = World::new().await;
    let inspection = Inspection::of(&world).await;
    let file = |upload: UploadId| media_key(world.company, upload);
    for upload in world.uploads.values() {
        inspection.put(&file(*upload), b"file").await;
    }
    let (avatar, photo) = (world.uploads["avatar"], world.uploads["photo"]);
    let media = CardMedia { avatar: Some(avatar), photos: Photos::parse(vec![photo]).unwrap(), video: None };
    let shown = show(&world, &card(&world).await, media.clone()).await.unwrap();
    let housekeeping = Housekeeping {
        store: world.store.clone(),
        leaderboards_lag_s: 60,
        s3: inspection.s3.clone(),
        media_bucket: inspection.bucket.clone(),
        clock: world.clock.clock(),
        ids: world.ids.clone(),
    };
    let deleted = async || housekeeping.run(no_stop(), "r").await.unwrap().expired_uploads;
    world.clock.advance(DAY_MS + LINGER_MS - 1);
    assert_eq!(deleted().await, 0);
    world.clock.advance(1);
    assert_eq!((deleted().await, deleted().await), (3, 0), "video, voice and table were never used");
    assert_eq!(inspection.get(&file(world.uploads["voice"])).await, None);
    let forgotten = world.store.upload(world.company, world.uploads["voice"]).await;
    assert_eq!(forgotten.unwrap_err(), Failure::NotFound);
    // The avatar is removed from the card; its address can be read for a while longer.
    show(&world, &shown, CardMedia { avatar: None, ..media }).await.unwrap();
    world.clock.advance(LINGER_MS - 1);
    assert_eq!(deleted().await, 0);
    world.clock.advance(1);
    assert_eq!(deleted().await, 1);
    assert_eq!(inspection.get(&file(avatar)).await, None);
    assert!(inspection.get(&file(photo)).await.is_some());
}

fn product(n: u128) -> ProductId {
    ProductId::from_uuid(Uuid::from_u128(n))
}

async fn recorded(world: &World, n: u128) -> Voice {
    let upload = world.upload(Purpose::Voice);
    world.send(&upload).await;
    Voice { product: product(n), upload: upload.id, duration_ms: 1_500, updated_at: world.clock.now() }
}

#[tokio::test]
async fn a_product_has_one_voice_a_card_and_the_list_comes_by_pages() {
    let world = World::new().await;
    let (company, lin, now) = (world.company, world.card("lin"), world.clock.now());
    let set =
        async |read: Option<&Voice>, new: Option<&Voice>| world.store.set_voice(company, lin, read, new, now).await;
    let listed = async |after, limit| world.store.voices(company, lin, after, limit).await.unwrap();
    assert_eq!(listed(None, 1).await.items, []);
    let (first, second, third) = (recorded(&world, 1).await, recorded(&world, 1).await, recorded(&world, 2).await);
    set(None, Some(&first)).await.unwrap();
    assert_eq!(set(None, Some(&second)).await.unwrap_err(), Failure::VersionConflict, "there is one");
    set(Some(&first), Some(&second)).await.unwrap();
    assert_eq!(set(Some(&first), None).await.unwrap_err(), Failure::VersionConflict, "another took its place");
    set(None, Some(&third)).await.unwrap();
    let page = listed(None, 1).await;
    assert_eq!((page.items, page.next), (vec![second.clone()], Some(product(1))));
    assert_eq!(listed(page.next, 1).await.items, std::slice::from_ref(&third));
    assert_eq!(listed(None, 20).await.next, None);
    set(Some(&second), None).await.unwrap();
    assert_eq!(listed(None, 20).await.items, [third]);
    assert_eq!(world.store.voices(company, world.card("chen"), None, 20).await.unwrap().items, []);
    let other = Company::granted(CompanyId::from_uuid(Uuid::nil()));
    assert_eq!(world.store.voices(other, lin, None, 20).await.unwrap_err(), Failure::NotFound);
    assert_eq!(world.store.upload(other, second.upload).await.unwrap_err(), Failure::NotFound);
}

#[tokio::test]
async fn a_ticket_is_good_for_ten_minutes_and_the_same_for_a_retry() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let ask = async || call(functions.router("video"), &load("video", "create_upload", &world)).await;
    let (status, ticket) = ask().await;
    assert_eq!(status, 201, "{ticket}");
    let expires = ticket["expires_at"].as_str().unwrap();
    assert_eq!(Timestamp::parse(expires).unwrap().millis() - world.clock.now().millis(), 600_000);
    let fields = &ticket["fields"];
    assert_eq!(fields["Content-Type"], "image/jpeg");
    let id = ticket["upload_id"].as_str().unwrap();
    assert_eq!(fields["key"], Value::from(format!("quarantine/{}/{id}", world.company.id())));
    world.clock.advance(60_000);
    assert_eq!(ask().await, (201, ticket), "a retry gets the same ticket");
}

#[tokio::test]
async fn a_view_of_a_card_signs_what_the_card_shows() {
    let world = World::new().await;
    let functions = Functions::on(&world).await;
    let answer = async |case| call(functions.router("card"), &load("card", case, &world)).await;
    let (status, card) = answer("update_card_avatar").await;
    assert_eq!((status, &card["version"]), (200, &Value::from(2)), "{card}");
    let id = world.uploads["avatar"];
    let address = format!("{MEDIA_URL}/media/{}/{id}?X-Amz-Algorithm=AWS4-HMAC-SHA256", world.company.id());
    for shown in [card, answer("get_card").await.1] {
        assert_eq!(shown["avatar"]["upload_id"], Value::from(id.to_string()));
        assert!(shown["avatar"]["url"].as_str().unwrap().starts_with(&address), "{shown}");
        assert_eq!((&shown["photos"], &shown["video"]), (&serde_json::json!([]), &Value::Null));
    }
}
