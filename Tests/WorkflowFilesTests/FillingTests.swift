import Fleet
import Programs
import Rollout
import TaskQueue
import Testing

@testable import WorkflowFiles

@Suite struct FillingTests {
  static let whole = """
    workflow: roll
    about: everything there is
    params:
      group: { type: name, about: the servers, default: shop }
      level: { type: number, default: 3 }
      quick: { type: flag, default: "false" }
      mode: { oneOf: [fast, -slow], default: fast }
      names: { type: list, default: [a, b] }
      must:
    queue: ops
    priority: high
    expiresAfter: 2h
    keptFor: 48h
    unique: { key: "roll-${group}", until: queued }
    defaults: { retry: 2, timeLimit: 1m, env: { A: "1", B: "2" }, inherit: [SECRET] }
    steps:
      - name: begin ${must}
        run: [./begin.sh, "--level=${level}", "${must}", "$${x} $1 ${workflow.id}"]
        env: { B: "${mode}" }
        exit: { done: [0, 3], again: 75 }
      - name: restart
        foreach: { inventory: "${group}" }
        as: server
        batch: [1, 25%, 50%]
        brake: 20%
        pause: 30s
        queue: restarts
        steps:
          - run: [ssh, "${server}", restart, "${server.port}"]
            retry: { attempts: 5, backoff: 2s, max: 1m }
            concurrency: { key: "site-${server.site}", atMost: 4 }
          - run: [check, "${server.address}"]
            rate: { key: checks, count: 10, per: 1m, burst: 20 }
      - name: sum
        run: [mail, root]
        stdin: results
        directory: sub
      - group:
          - run: [one]
          - name: two
            steps: [{ run: [two] }, { group: [{ run: [three] }], whenSomeFail: goOn }]
          - - task: image.resize
              input: { width: "${level}", quick: "${quick}", text: "a\\"${must}", list: [1, 2.5, true, null] }
      - run: [cat]
        stdin: output
        delay: 5s
    onFailure:
      - run: [page, "${group}"]
    """

  private func workflow() async throws -> Workflow { try await fill(Self.whole, ["must": "it has to"]) }

  @Test func optionsAreRead() async throws {
    let workflow = try await workflow()
    #expect(workflow.name == "roll")
    #expect(workflow.queue == "ops")
    #expect(workflow.priority == "high")
    #expect(workflow.expiresAfter == 7_200_000)
    #expect(workflow.keptFor == 172_800_000)
    #expect(workflow.unique == .init(key: "roll-shop", until: .queued))
    #expect(workflow.brake == 1, "20% of 8")
    #expect(workflow.onFailure.map(\.name) == ["page"])
    #expect(
      workflow.steps.map(\.name) == [
        "begin it has to", "restart 1/4", "pause 30s", "restart 2/4", "pause 30s", "restart 3/4", "pause 30s",
        "restart 4/4", "sum", "group", "cat",
      ])
  }

  @Test func aStepHasItsValuesAndItsDefaults() async throws {
    let step = try #require(try await workflow().steps.first)
    guard case .program(let input) = step.work else { return #expect(Bool(false)) }
    #expect(input.arguments == ["./begin.sh", "--level=3", "it has to", "${x} $1 w-1"])
    #expect(input.environment == ["A": "1", "B": "fast"])
    #expect(input.inherits == ["SECRET"])
    #expect(input.directory == "/etc/flows")
    #expect(input.exitCodes == .init(done: [0, 3], again: [75]))
    #expect(input.timeLimit == 60_000)
    #expect(input.keepsOutput == 0)
    #expect(step.rules.attempts == 2)
    #expect(step.rules.queue == nil)
  }

  @Test func aLoopIsAGroupForEachBatch() async throws {
    let workflow = try await workflow()
    let batches = workflow.steps[1...7].filter { $0.work != .pause }.map { step -> [Workflow.Branch] in
      guard case .group(let branches, let goesOn) = step.work else { return [] }
      #expect(goesOn)
      return branches
    }
    #expect(
      batches.map { $0.map(\.name) } == [
        ["web-1"], ["web-2", "web-3"], ["web-4", "web-5", "web-6", "web-7"], ["web-8"],
      ])
    #expect(workflow.steps[1...7].map(\.rules.delay) == [nil, 30_000, nil, 30_000, nil, 30_000, nil])
    let branch = try #require(batches.last?.first)
    guard case .program(let restart) = branch.steps[0].work, case .program(let check) = branch.steps[1].work
    else {
      return #expect(Bool(false))
    }
    #expect(restart.arguments == ["ssh", "web-8", "restart", "80"])
    #expect(branch.steps[0].rules.queue == "restarts")
    #expect(branch.steps[0].rules.attempts == 5)
    #expect(branch.steps[0].rules.mostBackoff == 60_000)
    #expect(branch.steps[0].rules.concurrency == .init(key: "site-ams", atMost: 4))
    #expect(branch.steps[1].rules.rate == .init(key: "checks", count: 10, per: 60_000, burst: 20))
    #expect(branch.steps[1].rules.attempts == 2)
    // What the next step reads is kept, of the last step of each branch alone.
    #expect(restart.keepsOutput == 0)
    #expect(check.keepsOutput == 65_536)
  }

  @Test func resultsComeFromEveryBatch() async throws {
    let workflow = try await workflow()
    guard case .program(let sum) = workflow.steps[8].work, case .program(let cat) = workflow.steps[10].work
    else {
      return #expect(Bool(false))
    }
    #expect(sum.directory == "/etc/flows/sub")
    guard case .results(let sources) = sum.standardInput else { return #expect(Bool(false)) }
    #expect(sources.map(\.link) == [1, 3, 5, 7])
    #expect(sources.flatMap { $0.members ?? [] } == servers.map(\.host))
    #expect(
      cat.standardInput
        == .output(of: [.init(link: 9, name: "group", members: ["one", "two", "image.resize"])]))
    #expect(workflow.steps[10].rules.delay == 5_000)
  }

  @Test func aTasksInputIsJSON() async throws {
    guard case .group(let branches, let goesOn) = try await workflow().steps[9].work else {
      return #expect(Bool(false))
    }
    #expect(!goesOn)
    #expect(
      branches[2].steps[0].work
        == .task(
          "image.resize", input: #"{"width":3,"quick":false,"text":"a\"it has to","list":[1,2.5,true,null]}"#)
    )
    guard case .group(_, let inner) = branches[1].steps[1].work else { return #expect(Bool(false)) }
    #expect(inner)
  }

  // MARK: Values

  /// A value is never read again, whatever it looks like.
  @Test func aValueIsOneArgument() async throws {
    let yaml = "workflow: w\nparams: { a: , b: x }\nsteps:\n  - run: [echo, \"${a}\", \"<${a}>\"]\n"
    for value in ["two words", "$(id)", "; rm -rf /", "${b}", "a: [b]", "\"", "*", "$${b}", "- x"]
    where value != "- x" {
      let workflow = try await fill(yaml, ["a": value])
      guard case .program(let input) = workflow.steps[0].work else { return #expect(Bool(false)) }
      #expect(input.arguments == ["echo", value, "<\(value)>"])
    }
  }

  @Test func parametersAreChecked() async throws {
    let error = try await #require(throws: InvalidParameters.self) {
      try await fill(
        Self.whole,
        [
          "mode": "fats", "level": "3.5", "quick": "yes", "group": "-oProxyCommand=x", "names": "a,,b",
          "mist": "1",
        ])
    }
    #expect(
      error.problems == [
        "roll has no parameter mist; did you mean must? it has group, level, quick, mode, names, must",
        "the parameter group: '-oProxyCommand=x' is no name; use \(NameRule.host.allowed)",
        "the parameter level: '3.5' is not a whole number",
        "the parameter quick: 'yes' is neither true nor false",
        "the parameter mode: 'fats' is not allowed; did you mean fast? use fast or -slow",
        "the parameter names: a list has a comma too many; write a,b,c",
        "the parameter must is missing; use --set must=…",
      ])
    let option = try await #require(throws: InvalidParameters.self) {
      try await fill(Self.whole, ["must": "-x"])
    }
    #expect(option.problems[0].contains("begins with -"))
    #expect(try await fill(Self.whole, ["must": "x", "mode": "-slow"]).steps.count == 11, "it is listed")
    await #expect(throws: InvalidParameters.self) { try await fill(Self.whole, ["must": "a\nb"]) }
  }

  // MARK: Items

  private func each(_ items: String, _ more: String = "", use: String = "${item}") -> String {
    "workflow: w\nparams: { l: { type: list, default: [] } }\nsteps:\n  - foreach: \(items)\n    \(more)\n"
      + "    steps:\n      - run: [echo, \"\(use)\"]\n"
  }

  private func names(_ workflow: Workflow) -> [String] {
    workflow.steps.flatMap { step -> [String] in
      guard case .group(let branches, _) = step.work else { return [] }
      return branches.map(\.name)
    }
  }

  @Test func itemsComeFromListsAndFiles() async throws {
    #expect(names(try await fill(each("[a, b]"))) == ["a", "b"])
    #expect(names(try await fill(each("\"${l}\""), ["l": "x,y"])) == ["x", "y"])
    #expect(names(try await fill(each("[{ host: a, port: 1 }]", use: "${item.port}"))) == ["a"])
    let files = [
      "/etc/flows/hosts": "# web\n web-1 \n\nweb-2\r\n",
      "/h.yaml": "- { name: a, dir: /a }\n- { name: b, dir: /b }\n",
    ]
    #expect(names(try await fill(each("{ file: hosts }"), files: files)) == ["web-1", "web-2"])
    let workflow = try await fill(each("{ file: /h.yaml }", use: "${item.dir}"), files: files)
    guard case .group(let branches, _) = workflow.steps[0].work,
      case .program(let input) = branches[1].steps[0].work
    else { return #expect(Bool(false)) }
    #expect(input.arguments == ["echo", "/b"])
  }

  @Test func itemsThatCannotBe() async throws {
    func told(_ yaml: String, _ set: [String: String] = [:], _ files: [String: String] = [:]) async throws
      -> String
    {
      try await #require(throws: InvalidFile.self) { try await fill(yaml, set, files: files) }.description
    }
    #expect(
      try await told(each("{ inventory: shpo }"))
        == "w.yaml:4:27: steps[0].foreach.inventory: there is no group shpo; did you mean shop? groups: shop, mail"
    )
    #expect(
      try await told(each("[a, a]"))
        == "w.yaml:4:14: steps[0].foreach: 'a' is there twice; each item is one of its own")
    #expect(try await told(each("\"${l}\"")) == "w.yaml:4:14: steps[0].foreach: there are no items")
    #expect(
      try await told(each("{ file: none }"))
        == "w.yaml:4:22: steps[0].foreach.file: can't read /etc/flows/none")
    #expect(
      try await told(each("{ file: h }"), [:], ["/etc/flows/h": "ok\n-oProxyCommand=x"]).contains(
        "begins with -"))
    #expect(
      try await told(each("{ file: h.yaml }"), [:], ["/etc/flows/h.yaml": "- a\n- { port: 1 }"])
        .hasPrefix("/etc/flows/h.yaml:2:3: [1]: an item with several values has a name"))
    #expect(
      try await told(each("{ file: h }", use: "${item.port}"), [:], ["/etc/flows/h": "a"]).contains(
        "have no fields"))
    #expect(
      try await told(
        each("{ file: h.yaml }", use: "${item.port}"), [:], ["/etc/flows/h.yaml": "- { name: a }"]
      )
      .contains("not every item has port"))
    #expect(try await told(each("[{ a: 1, b: 2 }]")).contains("has a name or a host"))
    #expect(
      try await told(each("\"${l}\"", "batch: 1"), ["l": (1...1_001).map { "i\($0)" }.joined(separator: ",")])
        .contains("1001 steps with its batches; 1000 are allowed"))
  }

  @Test func aLoopMayBeLong() async throws {
    func list(_ count: Int) -> [String: String] {
      ["/etc/flows/items": (1...count).map { "item-\($0)" }.joined(separator: "\n")]
    }
    let workflow = try await fill(each("{ file: items }", "batch: 1%"), files: list(10_000))
    #expect(workflow.steps.count == 100)
    #expect(names(workflow).count == 10_000)
    #expect(try workflow.chain(id: ChainID("long")).linkCount == 100)
    await #expect(throws: InvalidFile.self) { try await fill(each("{ file: items }"), files: list(10_001)) }
  }

  @Test func inventoriesMayBeFiles() async throws {
    let files = [
      "/etc/flows/g.yaml": """
      group: g
      app: a
      site: ams
      health: { path: / }
      balancer: none
      servers:
        - { host: a, address: 10.0.0.1, port: 80, directory: /srv/a }
        - { host: b, address: 10.0.0.2, port: 80, directory: /srv/b, site: fra }
      """, "/etc/flows/bad.yaml": "group: g\napp: a\nhealth: { path: / }\nservers:\n  - { host: a }\n",
    ]
    let workflow = try await fill(
      each("{ inventory: g.yaml }", use: "${item.address} ${item.site}"), files: files)
    guard case .group(let branches, _) = workflow.steps[0].work,
      case .program(let input) = branches[1].steps[0].work
    else { return #expect(Bool(false)) }
    #expect(input.arguments == ["echo", "10.0.0.2 fra"])
    let bad = try await #require(throws: InvalidFile.self) {
      try await fill(each("{ inventory: bad.yaml }"), files: files)
    }
    #expect(bad.problems.allSatisfy { $0.file == "/etc/flows/bad.yaml" && $0.line == 5 })
    let none = try await #require(throws: InvalidFile.self) {
      try await fill(each("{ inventory: none.yaml }"), files: files)
    }
    #expect(none.description == "w.yaml:4:27: steps[0].foreach.inventory: can't read /etc/flows/none.yaml")
  }

  @Test func sizesOfBatches() throws {
    #expect(Filler.sizes([.percent(25)], of: 10) == [2, 2, 2, 2, 2])
    #expect(Filler.sizes([.percent(25)], of: 3) == [1, 1, 1])
    #expect(Filler.sizes([.count(1), .percent(50)], of: 7) == [1, 3, 3])
    #expect(Filler.sizes([.count(100)], of: 7) == [7])
  }
}
