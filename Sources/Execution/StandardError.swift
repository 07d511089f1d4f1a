import Foundation

/// Says something on standard error. Nobody may be there any more (a closed terminal, a broken pipe): that is no reason to
/// stop, and Foundation's `FileHandle.write(_:)` would trap.
package func writeToStandardError(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
}
