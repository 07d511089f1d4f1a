import Documents
import Foundation

/// What the system knows of some files without reading them.
struct FileIdentities {
    /// Of all paths, sizes, inodes and times of change.
    let digest: String
    /// When the last of them was changed, in seconds since 1970.
    let lastChange: Double

    /// - Parameter purpose: what is made of the files.
    /// - Returns: nil where one of them cannot be looked at.
    init?(_ files: [String], for purpose: String) {
        var text = Array("\(purpose)\n".utf8), last = 0.0
        for file in files {
            var status = stat()
            guard stat(file, &status) == 0 else { return nil }
            let (modified, changed) = (status.st_mtim, status.st_ctim)
            last = max(last, Self.seconds(modified), Self.seconds(changed))
            let times = "\(modified.tv_sec) \(modified.tv_nsec) \(changed.tv_sec) \(changed.tv_nsec)"
            text += Array("\(status.st_dev) \(status.st_ino) \(status.st_size) \(times) \(file)\n".utf8)
        }
        digest = SHA256.hexadecimal(of: text)
        lastChange = last
    }

    static func seconds(_ time: timespec) -> Double { Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 }
}

/// A cache entry's name, kept in `IDENTITIES.known` beside it, so that opening a large folder anew does not read it.
///
/// A file that is changed twice within one tick of its file system's clock looks the same; so the note counts only where it was written
/// well after the last change (the rule of git's index).
struct KnownName {
    /// Seconds, more than a tick of any file system's clock.
    private static let margin = 2.0

    private let path: String
    private let lastChange: Double

    init(_ identities: FileIdentities, in folder: String) {
        path = "\(folder)/\(identities.digest).known"
        lastChange = identities.lastChange
    }

    /// Nil where it is not known.
    var name: String? {
        var status = stat()
        guard stat(path, &status) == 0, FileIdentities.seconds(status.st_mtim) - lastChange > Self.margin,
            let text = FileManager.default.contents(atPath: path).map({ String(decoding: $0, as: UTF8.self) }),
            text.utf8.count == 64, text.allSatisfy(\.isHexDigit)
        else { return nil }
        return text
    }

    /// A note that cannot be written costs time only.
    func keep(_ name: String) {
        try? FileManager.default.createDirectory(atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try? replaceFile(path, with: Array(name.utf8))
    }
}
