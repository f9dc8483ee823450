import Fleet
import Testing

@testable import WorkflowFiles

@Suite struct ParsingTests {
  @Test func everyProblemIsReportedAtOnceAndInOrder() {
    let yaml = """
      workflow: night run
      queu: x
      unique: { until: never }
      params:
        1st: a
        mode: { type: wrod, oneOf: [fast, slow], default: fats }
      steps:
        - run: echo hi
        - ruhn: [echo]
        - run: [echo, "${mdoe}"]
          retry: { attempts: 0, backof: 1s }
          timeLimit: 5
        - run: [sh, -c, "rm ${mode}"]
        - group: []
        - run: [a]
          task: b
        - name: nothing
        - foreach: []
      """
    #expect(
      problems(yaml) == [
        "w.yaml:1:11: workflow: 'night run' is not allowed; use \(NameRule.name.allowed)",
        "w.yaml:2:1: queu: unknown key; did you mean queue? a workflow has: \(FileReader.keys.joined(separator: ", "))",
        "w.yaml:3:9: unique.key: is missing; it is a text; one workflow of it runs at a time",
        "w.yaml:3:18: unique.until: 'never' is not a choice; use queued or ended",
        "w.yaml:5:3: params.1st: '1st' is not allowed; use letters, digits, '_' and '-', the first a letter",
        "w.yaml:6:17: params.mode.type: 'wrod' is not a choice; use text or number or flag or name or duration or list",
        "w.yaml:6:53: params.mode.default: 'fats' is not allowed; did you mean fast? use fast or slow",
        "w.yaml:8:10: steps[0].run: expected a program and its arguments as a list: [pg_dump, --file=shop.dump, shop]",
        "w.yaml:9:5: steps[1].ruhn: unknown key; did you mean run? steps[1] has: "
          + "name, run, task, group, foreach, stdin, exit, keepOutput, maxLines, maxBytes, input, inputFrom, "
          + "whenSomeFail, as, batch, brake, pause, whenSomeFail, steps, "
          + FileReader.settingKeys.joined(separator: ", "),
        "w.yaml:10:17: steps[2].run[1]: nothing is called ${mdoe} here; did you mean ${mode}? "
          + "there is ${mode}, ${workflow.directory}, ${workflow.id}",
        "w.yaml:11:24: steps[2].retry.attempts: 0 is not a count of tries; use 1 to 1000",
        "w.yaml:11:27: steps[2].retry.backof: unknown key; did you mean backoff? steps[2].retry has: attempts, backoff, max",
        "w.yaml:12:16: steps[2].timeLimit: '5' is not a duration; write \(DurationText.allowed)",
        "w.yaml:13:19: steps[3].run[2]: a value never becomes part of code; hand it on as an argument: "
          + "[sh, -c, 'echo \"$1\"', sh, \"${name}\"]",
        "w.yaml:14:12: steps[4].group: expected a list of branches that run side by side; "
          + "each is a step or a list of steps",
        "w.yaml:15:5: steps[5]: has run and task; a step has one of them",
        "w.yaml:17:5: steps[6]: says nothing to do; give it one of run, task, group and foreach",
        "w.yaml:18:5: steps[7].steps: is missing; it is the list of what is done for each item",
        "w.yaml:18:14: steps[7].foreach: is empty; there is at least one item",
      ])
  }

  @Test(arguments: [
    ("run: [a]\n    stdin: results", "5:12: steps[0].stdin: there is no step before this one"),
    ("task: t\n    inputFrom: previous", "5:16: steps[0].inputFrom: there is no step before this one"),
    (
      "{ name: a, run: [x] }\n  - { name: b, run: [x] }\n  - { name: a, run: [y] }",
      "6:13: steps[2].name: is the name of line 4 already; each needs one of its own"
    ),
    (
      "task: \"a b\"",
      "4:11: steps[0].task: 'a b' can't be a task's name; it is the name a worker knows it by"
    ),
    (
      "run: [a]\n    exit: { done: [300] }",
      "5:19: steps[0].exit.done: expected exit codes from 0 to 255: [0, 24]"
    ),
    (
      "run: [a]\n    keepOutput: 2000000",
      "5:17: steps[0].keepOutput: 2000000 is not a count of bytes; use 0 to 1048576"
    ),
    (
      "run: [a]\n    env: { 1A: b }",
      "5:12: steps[0].env.1A: '1A' can't be a variable; use letters, digits and '_', the first no digit"
    ),
    (
      "run: [a]\n    inherit: [DRAWBAR_REDIS]",
      "5:15: steps[0].inherit[0]: DRAWBAR_REDIS is one of Drawbar's own variables; use another name"
    ),
    (
      "run: [a]\n    concurrency: { key: \"a b\", atMost: 1 }",
      "5:25: steps[0].concurrency.key: 'a b' can't be a key: letters, digits and . _ - / @ + = are allowed, 200 at most"
    ),
    (
      "run: [a]\n    rate: { key: k }",
      "5:11: steps[0].rate.count: is missing; it is how many begin in that time"
    ),
    (
      "run: [a]\n    timeLimit: 10s\n    hardLimit: 5s",
      "6:16: steps[0].hardLimit: is shorter than timeLimit; it is what holds when that did not"
    ),
    ("run: [a]\n    grace: 1h", "5:12: steps[0].grace: '1h' is too long; use up to 10m"),
    (
      "run: [a]\n    queue: a b",
      "5:12: steps[0].queue: \"a b\" can't be a name: 1 to 200 characters of A-Z a-z 0-9 . _ - / @ + = are allowed"
    ),
    (
      "run: [a, \"${x\"]",
      "4:14: steps[0].run[1]: '${x' has no closing }; write $${ for the two characters ${"
    ),
    (
      "run: [a, \"${a b}\"]",
      "4:14: steps[0].run[1]: '${a b}' is no name; letters, digits, '_', '-' and one '.' are allowed, no blanks"
    ),
    (
      "run: [a, \"x${hosts}\"]",
      "4:14: steps[0].run[1]: ${hosts} is a list; it can only be what foreach goes over"
    ),
    (
      "foreach: \"${name}\"\n    steps: [{ run: [a] }]",
      "4:14: steps[0].foreach: expected \"${name}\" of a parameter with type: list, or a list"
    ),
    (
      "foreach: { inventory: g, file: f }\n    steps: [{ run: [a] }]",
      "4:14: steps[0].foreach: give one of inventory (a group, or a group's file) and file"
    ),
    (
      "foreach: [a]\n    as: name\n    steps: [{ run: [a] }]",
      "5:9: steps[0].as: 'name' is taken, or no name; use letters, digits, '_' and '-'"
    ),
    (
      "foreach: [a]\n    batch: 0\n    steps: [{ run: [a] }]",
      "5:12: steps[0].batch: '0' is no size; use 1 and more, or 1% to 100%"
    ),
    (
      "foreach: [a]\n    batch: many\n    steps: [{ run: [a] }]",
      "5:12: steps[0].batch: is no list of batch sizes; write counts and percentages: [1, 10%, 25%]"
    ),
    (
      "foreach: [a]\n    brake: 101%\n    steps: [{ run: [a] }]",
      "5:12: steps[0].brake: '101%' is no bound of failures; use 1 and more, or 1% to 100%"
    ),
    (
      "foreach: [a]\n    brake: 2\n    whenSomeFail: goOn\n    steps: [{ run: [a] }]",
      "6:19: steps[0].whenSomeFail: brake says already when failures end it; give one of them"
    ),
    (
      "foreach: [a]\n    pause: 5s\n    steps: [{ run: [a] }]",
      "5:12: steps[0].pause: is between batches; say how large they are: batch: 25%"
    ),
    (
      "group: [{ foreach: [a], brake: 1, steps: [{ run: [a] }] }]",
      "4:13: steps[0].group[0].brake: a brake is for a loop of the workflow itself, not for one within a group"
    ),
    (
      "foreach: { inventory: g }\n    steps: [{ run: [a, \"${item.prot}\"] }]",
      "5:24: steps[0].steps[0].run[1]: nothing is called ${item.prot} here; did you mean ${item.port}? there is ${hosts}, ${item}, ${item.address}, ${item.directory}, ${item.host}, ${item.port}, ${item.site}, ${name}, ${workflow.directory}, ${workflow.id}"
    ),
  ])
  func eachProblemHasItsPlace(_ step: String, _ told: String) {
    #expect(problem(step) == [told])
  }

  @Test func whatIsNoWorkflowAtAll() {
    #expect(problems("") == ["w.yaml:1:1: the file is empty; a workflow needs at least workflow and steps"])
    #expect(problems("workflow: [").first?.contains("not YAML") == true)
    #expect(problems("- a").first?.hasPrefix("w.yaml:1:1: expected keys and values (workflow, ") == true)
    #expect(
      problems("workflow: a\nworkflow: b\nsteps: [{ run: [a] }]")
        == ["w.yaml:2:1: the key workflow is given twice; keep one"]
        || problems("workflow: a\nworkflow: b\nsteps: [{ run: [a] }]").first?.contains("given twice") == true)
  }

  /// Where text is code to the program that takes it, no value is put into it.
  @Test(arguments: [
    #"[sh, -c, "x ${name}"]"#, #"[/bin/bash, -ec, "${name}"]"#, #"[env, A=b, dash, -xc, "a${name}"]"#,
    #"[sudo, -u, www, bash, -lc, "${name}"]"#, #"[perl, -e, "${name}"]"#, #"[python3, -c, "${name}"]"#,
    #"[su, www, -c, "${name}"]"#, #"[busybox, sh, -c, "${name}"]"#,
  ])
  func codeTakesNoValues(_ run: String) {
    #expect(problem("run: \(run)").first?.contains("never becomes part of code") == true)
  }

  @Test(arguments: [
    #"[sh, -c, 'echo "$1"', sh, "${name}"]"#, #"[tar, -c, "${name}"]"#, #"[ssh, "${name}", uptime]"#,
    #"[sh, -c, "echo $${name}"]"#,
  ])
  func argumentsTakeThem(_ run: String) throws {
    _ = try WorkflowFile.parse(
      "workflow: w\nparams: { name: x }\nsteps:\n  - run: \(run)\n", file: "w.yaml")
  }

  /// Every cut of a good file is read without a crash, and every one that is refused says why.
  @Test func noCutOfAFileCrashes() {
    let lines = FillingTests.whole.split(separator: "\n", omittingEmptySubsequences: false)
    for drop in lines.indices {
      for keep in [lines[..<drop], lines[drop...]] {
        do throws(InvalidFile) {
          _ = try WorkflowFile.parse(keep.joined(separator: "\n"), file: "w.yaml")
        } catch { #expect(!error.problems.isEmpty) }
      }
    }
  }
}
