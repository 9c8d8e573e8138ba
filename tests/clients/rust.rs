//! The `redis` crate, blocking and asynchronous.

use crate::support::Server;
use redis::vector_sets::{
    EmbeddingInput, VAddOptions, VSimOptions, VectorAddInput, VectorSimilaritySearchInput,
};
use redis::{AsyncCommands, Commands, ProtocolVersion, RedisResult};
use std::collections::HashMap;

fn client(server: &Server, protocol: ProtocolVersion) -> redis::Client {
    let version = if protocol == ProtocolVersion::RESP3 {
        "resp3"
    } else {
        "resp2"
    };
    redis::Client::open(format!("redis://{}/?protocol={version}", server.address()))
        .expect("a client")
}

#[test]
fn redis_crate_in_both_protocols() {
    let server = Server::start();
    for protocol in [ProtocolVersion::RESP2, ProtocolVersion::RESP3] {
        let mut connection = client(&server, protocol)
            .get_connection()
            .expect("a connection");
        strings_and_hashes(&mut connection).expect("strings and hashes");
        vectors(&mut connection).expect("vectors");
    }
}

fn strings_and_hashes(connection: &mut redis::Connection) -> RedisResult<()> {
    let _: () = redis::cmd("FLUSHALL").query(connection)?;
    let _: () = connection.set("a", 41)?;
    assert_eq!(connection.incr::<_, _, i64>("a", 1)?, 42);
    let _: () = connection.hset_multiple("h", &[("x", "1"), ("y", "2")])?;
    let all: HashMap<String, i64> = connection.hgetall("h")?;
    assert_eq!((all["x"], all["y"], all.len()), (1, 2, 2));
    let (first, second): (i64, Option<String>) = redis::pipe()
        .atomic()
        .incr("a", 8)
        .get("none")
        .query(connection)?;
    assert_eq!((first, second), (50, None));
    let mut keys: Vec<String> = connection.scan()?.collect::<RedisResult<_>>()?;
    keys.sort();
    assert_eq!(keys, ["a", "h"]);
    let refused: RedisResult<()> = connection.lpush("a", 1);
    assert!(refused.is_err());
    Ok(())
}

fn vectors(connection: &mut redis::Connection) -> RedisResult<()> {
    let east = VectorAddInput::Values(EmbeddingInput::Float32(&[1.0, 0.0]));
    let north = VectorAddInput::Fp32(&[0.0, 1.0]);
    assert!(connection.vadd::<_, _, bool>("v", east, "east")?);
    let options = VAddOptions::default().set_attributes(serde_json::json!({"up": true}));
    assert!(connection.vadd_options::<_, _, bool>("v", north, "north", &options)?);
    let (count, dim): (u32, u32) = (connection.vcard("v")?, connection.vdim("v")?);
    assert_eq!((count, dim), (2, 2));
    let options = VSimOptions::default().set_with_scores(true).set_count(2);
    let target = VectorSimilaritySearchInput::Element("east");
    let scores: HashMap<String, f64> =
        redis::from_redis_value(connection.vsim_options("v", target, &options)?)?;
    assert!(
        (scores["east"] - 1.0).abs() < 0.01 && (scores["north"] - 0.5).abs() < 0.01,
        "{scores:?}"
    );
    let attributes: Option<String> = connection.vgetattr("v", "north")?;
    assert_eq!(attributes.as_deref(), Some(r#"{"up":true}"#));
    let members: Vec<String> = connection.vrandmember_multiple("v", 5)?;
    assert_eq!(members.len(), 2);
    assert!(connection.vrem::<_, _, bool>("v", "east")?);
    assert!(!connection.vrem::<_, _, bool>("v", "east")?);
    Ok(())
}

#[test]
fn redis_crate_asynchronous_multiplexed() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for protocol in [ProtocolVersion::RESP2, ProtocolVersion::RESP3] {
            let connection = client(&server, protocol)
                .get_multiplexed_async_connection()
                .await
                .expect("a connection");
            let tasks = (0..50).map(|n| {
                let mut connection = connection.clone();
                tokio::spawn(async move {
                    let _: () = connection.set(format!("key:{n}"), n).await?;
                    connection.get::<_, i64>(format!("key:{n}")).await
                })
            });
            for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
                assert_eq!(task.await.expect("a task").expect("a value"), n as i64);
            }
        }
    });
}
