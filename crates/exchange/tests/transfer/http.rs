//! A file server as there are many: GET and HEAD with ranges, PUT of whole files. It can be told to damage what it sends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Server {
    pub port: u16,
    /// How many answers with content are still to be damaged.
    pub damaged: Arc<AtomicUsize>,
    /// Answers with content.
    pub answers: Arc<AtomicUsize>,
    /// Files that were put.
    pub puts: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(root: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let none = || Arc::new(AtomicUsize::new(0));
        let (damaged, answers, puts) = (none(), none(), none());
        let counts = (damaged.clone(), answers.clone(), puts.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, counts) = (root.clone(), counts.clone());
                // A reader of its own for each connection: what it has read ahead is the next request.
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(&stream);
                    while answer(&mut reader, &stream, &root, &counts).is_some() {}
                });
            }
        });
        Self { port, damaged, answers, puts }
    }
}

type Counts = (Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>);

fn answer(reader: &mut BufReader<&TcpStream>, mut out: &TcpStream, root: &Path, (wrong, count, puts): &Counts) -> Option<()> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|len| *len > 0)?;
    let (mut range, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|len| *len > 0)?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse::<usize>().ok()?;
        }
        if let Some(bytes) = line.strip_prefix("range: bytes=") {
            let (from, to) = bytes.split_once('-')?;
            range = Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?));
        }
    }
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?, words.next()?);
    if method == "PUT" {
        let path = root.join(path.trim_start_matches('/'));
        // Nothing cut off is kept.
        let mut content = vec![0; length];
        reader.read_exact(&mut content).ok()?;
        std::fs::create_dir_all(path.parent()?).ok()?;
        std::fs::write(path, content).ok()?;
        puts.fetch_add(1, Ordering::SeqCst);
        out.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").ok()?;
        return Some(());
    }
    let Ok(content) = std::fs::read(root.join(path.trim_start_matches('/'))) else {
        out.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").ok()?;
        return Some(());
    };
    let (mut body, head) = match range {
        Some((from, to)) => {
            let to = to.min(content.len() - 1);
            let head = format!("206 Partial Content\r\nContent-Range: bytes {from}-{to}/{}", content.len());
            (content[from..=to].to_vec(), head)
        }
        None => (content, "200 OK".to_owned()),
    };
    if method == "GET" {
        count.fetch_add(1, Ordering::SeqCst);
        if wrong.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            body[0] ^= 1;
        }
    }
    let modified = "Last-Modified: Fri, 01 May 2026 00:00:00 GMT\r\nETag: \"1\"";
    let text = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nAccept-Ranges: bytes\r\n{modified}\r\n\r\n", body.len());
    out.write_all(text.as_bytes()).ok()?;
    if method == "GET" {
        out.write_all(&body).ok()?;
    }
    Some(())
}
