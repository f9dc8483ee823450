/// How a piece of text looks where colour is wanted.
public enum Paint: String, Sendable, Equatable {
  case plain = ""
  case bold = "1"
  case faint = "2"
  case red = "31"
  case green = "32"
  case yellow = "33"
  case blue = "34"
  case cyan = "36"
  /// Red on the whole cell: the brake.
  case alarm = "1;37;41"
}

/// One line for a person: pieces of text, each with its paint. Kept apart from escape codes, so that widths can
/// be counted and tests read plain words.
public struct Line: Sendable, Equatable, ExpressibleByStringInterpolation {
  public struct Piece: Sendable, Equatable {
    public var text: String
    public var paint: Paint
  }

  public private(set) var pieces: [Piece]

  public init(_ text: String = "", _ paint: Paint = .plain) {
    pieces = text.isEmpty ? [] : [Piece(text: text, paint: paint)]
  }

  public init(stringLiteral value: String) { self.init(value) }

  /// The words alone.
  public var text: String { pieces.map(\.text).joined() }

  /// In characters.
  public var width: Int { pieces.reduce(0) { $0 + $1.text.count } }

  public static func + (left: Line, right: Line) -> Line {
    var line = left
    line.pieces += right.pieces
    return line
  }

  public static func += (left: inout Line, right: Line) { left = left + right }

  /// The line as bytes for a terminal or a pipe.
  /// - Parameters:
  ///   - columns: cut here, with an ellipsis; nil leaves it whole.
  ///   - colour: whether to add escape codes.
  public func render(columns: Int? = nil, colour: Bool) -> String {
    var room = columns ?? .max
    let cut = width > room
    if cut { room = max(0, room - 1) }
    var out = ""
    for piece in pieces where room > 0 {
      let text = piece.text.prefix(room)
      room -= text.count
      let shown = Self.harmless(text)
      out += colour && piece.paint != .plain ? "\u{1b}[\(piece.paint.rawValue)m\(shown)\u{1b}[0m" : shown
    }
    return cut ? out + "…" : out
  }

  /// Text from hosts and files can't move the cursor: control characters are shown as `·`.
  private static func harmless(_ text: Substring) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.isControl ? "·" : $0 }))
  }
}

extension Unicode.Scalar.Properties {
  fileprivate var isControl: Bool { generalCategory == .control || generalCategory == .format }
}
