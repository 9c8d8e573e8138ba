use redis::vector_sets::{
    EmbeddingInput, VSimOptions, VectorAddInput, VectorSimilaritySearchInput,
};
use redis::{Commands, RedisResult};

/// `connection` is that of `redis::Client::open("redis://127.0.0.1:6379/")?.get_connection()?`.
fn nearest_colour(connection: &mut redis::Connection, colour: &[f32]) -> RedisResult<Vec<String>> {
    let colours = [("red", [1.0, 0.0, 0.0]), ("blue", [0.0, 0.0, 1.0])];
    for (name, components) in colours {
        let vector = VectorAddInput::Values(EmbeddingInput::Float32(&components));
        let _: bool = connection.vadd("colours", vector, name)?;
    }
    // Many at once: the vectors one after the other in one blob, then their number and their names.
    let green = [0.0f32, 1.0, 0.0, 0.2, 0.9, 0.0].map(f32::to_le_bytes).concat();
    let mut batch = redis::cmd("VMADD");
    batch.arg("colours").arg("FP32").arg(green).arg(2);
    let _: usize = batch.arg(&["green", "lime"]).query(connection)?;
    let target = VectorSimilaritySearchInput::Fp32(colour);
    let options = VSimOptions::default().set_count(1);
    let hits = connection.vsim_options("colours", target, &options)?;
    let _: () = connection.del("colours")?;
    redis::from_redis_value(hits).map_err(Into::into)
}
