internal import NIOCore

extension RedisClient {
  /// Runs tasks on the thread of this client's connection.
  ///
  /// A task that mostly waits for Redis saves two changes of thread for each command this way, which is
  /// about half of what a command costs this process. What computes for long or blocks doesn't belong
  /// there: nothing is sent or read meanwhile.
  ///
  /// ```swift
  /// try await withTaskExecutorPreference(client.taskExecutor) { … }
  /// ```
  public var taskExecutor: any TaskExecutor { EventLoopExecutor(eventLoop: connectionEventLoop) }
}

/// An event loop as Swift concurrency sees it.
private final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
