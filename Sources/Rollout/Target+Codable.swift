/// A target is stored ten thousand times over and read at each look: so only what is not the default is
/// written, stages as one word of their indices and times as one flat list.
extension Target: Codable {
  private enum CodingKeys: String, CodingKey {
    case host, site, state, failure, attempt, ticket, stages, times, touched, changed, out, wasOut, recheck,
      stopping
    case note, renew
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(host: try fields.decode(String.self, forKey: .host))
    site = try fields.decodeIfPresent(String.self, forKey: .site)
    state = try fields.decodeIfPresent(TargetState.self, forKey: .state) ?? .pending
    failure = try fields.decodeIfPresent(Failure.self, forKey: .failure)
    attempt = try fields.decodeIfPresent(Int.self, forKey: .attempt) ?? 0
    ticket = try fields.decodeIfPresent(String.self, forKey: .ticket)
    stages = try Self.stages(fields.decodeIfPresent(String.self, forKey: .stages) ?? "", at: fields)
    times = try Self.times(fields.decodeIfPresent([Milliseconds].self, forKey: .times) ?? [], at: fields)
    touched = try fields.decodeIfPresent(Bool.self, forKey: .touched) ?? false
    changed = try fields.decodeIfPresent(Bool.self, forKey: .changed) ?? false
    out = try fields.decodeIfPresent(Bool.self, forKey: .out) ?? false
    wasOut = try fields.decodeIfPresent(Bool.self, forKey: .wasOut) ?? false
    recheck = try fields.decodeIfPresent(Bool.self, forKey: .recheck) ?? false
    stopping = try fields.decodeIfPresent(Stopping.self, forKey: .stopping)
    note = try fields.decodeIfPresent(String.self, forKey: .note)
    renew = try fields.decodeIfPresent(Bool.self, forKey: .renew) ?? false
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(host, forKey: .host)
    try fields.encodeIfPresent(site, forKey: .site)
    try fields.encode(state, forKey: .state)
    try fields.encodeIfPresent(failure, forKey: .failure)
    if attempt != 0 { try fields.encode(attempt, forKey: .attempt) }
    try fields.encodeIfPresent(ticket, forKey: .ticket)
    if !stages.isEmpty { try fields.encode(stages.map { "\($0.digit)" }.joined(), forKey: .stages) }
    if !times.isEmpty {
      try fields.encode(
        times.flatMap { [Milliseconds($0.stage.digit), $0.startedAt, $0.endedAt ?? -1] }, forKey: .times)
    }
    if touched { try fields.encode(true, forKey: .touched) }
    if changed { try fields.encode(true, forKey: .changed) }
    if out { try fields.encode(true, forKey: .out) }
    if wasOut { try fields.encode(true, forKey: .wasOut) }
    if recheck { try fields.encode(true, forKey: .recheck) }
    try fields.encodeIfPresent(stopping, forKey: .stopping)
    try fields.encodeIfPresent(note, forKey: .note)
    if renew { try fields.encode(true, forKey: .renew) }
  }

  private static func stages(
    _ word: String, at fields: KeyedDecodingContainer<CodingKeys>
  ) throws -> [Stage] {
    try word.map { digit in
      guard let index = digit.wholeNumberValue, let stage = Stage(digit: index) else {
        throw DecodingError.dataCorruptedError(
          forKey: .stages, in: fields, debugDescription: "no stage: \(digit)")
      }
      return stage
    }
  }

  private static func times(
    _ flat: [Milliseconds], at fields: KeyedDecodingContainer<CodingKeys>
  ) throws -> [StageTime] {
    try stride(from: 0, to: flat.count, by: 3).map { at in
      guard at + 2 < flat.count, let stage = Stage(digit: Int(flat[at])) else {
        throw DecodingError.dataCorruptedError(
          forKey: .times, in: fields, debugDescription: "no time of a stage")
      }
      return StageTime(stage: stage, startedAt: flat[at + 1], endedAt: flat[at + 2] < 0 ? nil : flat[at + 2])
    }
  }
}
