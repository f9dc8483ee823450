import TaskQueue

/// Sends one chain for each picture: its thumbnails side by side, then a page that shows them.
func submit(_ pictures: some Collection<String>, to queue: Queue) async throws {
  // Tried for a minute while the picture isn't there; stopped where it takes longer than that.
  let patient = LinkOptions(retry: RetryPolicy(attempts: 240), timeLimit: .seconds(60))
  for picture in pictures {
    let sizes = [32, 64, 128].map { Shrink.Input(picture: picture, width: $0) }
    let chain = try Chain(
      id: ChainID(picture),  // Sent twice, it is made once.
      links: [
        .map(Shrink.self, over: sizes, options: patient),
        Link(Gallery.self, from: .previous),  // Its input is the array of their results.
      ])
    print("\(picture): \(try await queue.submit(chain))")
  }
}
