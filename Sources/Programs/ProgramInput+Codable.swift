/// Written with little: a workflow over a thousand servers holds a thousand of them.
extension ProgramInput {
  private enum CodingKeys: String, CodingKey {
    case name, arguments, environment, inherits, directory, standardInput, exitCodes, timeLimit, grace,
      keepsOutput, outputBounds
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(try fields.decode([String].self, forKey: .arguments))
    name = try fields.decodeIfPresent(String.self, forKey: .name)
    environment = try fields.decodeIfPresent([String: String].self, forKey: .environment) ?? environment
    inherits = try fields.decodeIfPresent([String].self, forKey: .inherits) ?? inherits
    directory = try fields.decodeIfPresent(String.self, forKey: .directory)
    standardInput = try fields.decodeIfPresent(StandardInput.self, forKey: .standardInput) ?? standardInput
    exitCodes = try fields.decodeIfPresent(ExitCodes.self, forKey: .exitCodes) ?? exitCodes
    timeLimit = try fields.decodeIfPresent(Int.self, forKey: .timeLimit)
    grace = try fields.decodeIfPresent(Int.self, forKey: .grace) ?? grace
    keepsOutput = try fields.decodeIfPresent(Int.self, forKey: .keepsOutput) ?? keepsOutput
    outputBounds = try fields.decodeIfPresent(OutputBounds.self, forKey: .outputBounds)
  }

  public func encode(to encoder: any Encoder) throws {
    let usual = ProgramInput(arguments)
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(arguments, forKey: .arguments)
    try fields.encodeIfPresent(name, forKey: .name)
    if environment != usual.environment { try fields.encode(environment, forKey: .environment) }
    if inherits != usual.inherits { try fields.encode(inherits, forKey: .inherits) }
    try fields.encodeIfPresent(directory, forKey: .directory)
    if standardInput != usual.standardInput { try fields.encode(standardInput, forKey: .standardInput) }
    if exitCodes != usual.exitCodes { try fields.encode(exitCodes, forKey: .exitCodes) }
    try fields.encodeIfPresent(timeLimit, forKey: .timeLimit)
    if grace != usual.grace { try fields.encode(grace, forKey: .grace) }
    if keepsOutput != usual.keepsOutput { try fields.encode(keepsOutput, forKey: .keepsOutput) }
    try fields.encodeIfPresent(outputBounds, forKey: .outputBounds)
  }
}
