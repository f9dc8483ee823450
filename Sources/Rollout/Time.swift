/// A duration in milliseconds, or an instant in milliseconds since the Unix epoch.
///
/// Instants are always read from the queue's server clock; this module never reads a clock itself.
public typealias Milliseconds = Int64
