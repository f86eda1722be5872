//! An S3-compatible server on this machine.

use hyper_util::rt::{TokioExecutor, TokioIo};
use knarr_exchange::transfer::Place;
use object_store::aws::AmazonS3Builder;
use std::path::Path;

/// Starts a server whose buckets are the folders in `root`; it lives as long as the test.
pub fn start(root: &Path) -> u16 {
    let files = s3s_fs::FileSystem::new(root).expect("a folder");
    let service = {
        let mut builder = s3s::service::S3ServiceBuilder::new(files);
        builder.set_auth(s3s::auth::SimpleAuth::from_single("key", "secret"));
        builder.build()
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            let shared = service.into_shared();
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            while let Ok((socket, _)) = listener.accept().await {
                let connection = server.serve_connection(TokioIo::new(socket), shared.clone()).into_owned();
                tokio::spawn(async move {
                    let _ = connection.await;
                });
            }
        });
    });
    port
}

/// The bucket `bucket` of that server.
pub fn place(port: u16, bucket: &str, prefix: &str) -> Place {
    let builder = AmazonS3Builder::new()
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_access_key_id("key")
        .with_secret_access_key("secret")
        .with_bucket_name(bucket);
    Place::s3(&format!("s3://{bucket}/{prefix}"), builder, prefix).unwrap_or_else(|e| panic!("{e}"))
}
