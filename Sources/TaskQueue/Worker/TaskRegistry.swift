/// The tasks that a worker knows, by name.
public struct TaskRegistry: Sendable {
  typealias Runner = @Sendable (ArraySlice<UInt8>, TaskContext) async throws -> [UInt8]
  private(set) var runners: [String: Runner] = [:]

  public var names: [String] { runners.keys.sorted() }

  public init() {}

  /// ```swift
  /// let tasks = TaskRegistry(Resize(), Upload(client: client))
  /// ```
  /// A name that is given twice means the later one.
  public init<each T: QueueTask>(_ tasks: repeat each T) {
    repeat add(each tasks)
  }

  public mutating func add<T: QueueTask>(_ task: T) {
    runners[T.name] = { bytes, context in
      let input: T.Input
      do {
        input = try Payload.decode(T.Input.self, from: bytes)
      } catch {
        throw TaskFailure(
          code: "input", message: "the arguments of \(T.name) don't decode: \(error)", retry: .never)
      }
      let output: T.Output
      do {
        output = try await task.run(input, context)
      } catch let error as TaskFailure {
        throw error
      } catch let control as ChainControl {
        throw control
      } catch {
        let retry = task.judge(error, attempt: context.attempt)
        throw TaskFailure(code: "error", message: "\(T.name): \(error)", retry: retry)
      }
      do {
        return try Payload.encode(output)
      } catch {
        throw TaskFailure(
          code: "output", message: "the result of \(T.name) doesn't encode: \(error)", retry: .never)
      }
    }
  }
}
