import Foundation

/// The bytes of a file that the user named. Folders, devices, pipes and files of more than `limit` bytes are refused before
/// anything is read, so nothing waits for a writer that never comes.
/// - Parameters:
///   - what: what is needed there, for the advice: "an architecture".
///   - prefix: so many bytes from the beginning at most; nil: all.
/// - Throws: `InputError` that names the file.
package func readInputFile(_ path: String, _ what: String, limit: Int = 1 << 36, prefix: Int? = nil) throws -> Data {
    let advice = "\(what) is needed here: check the path"
    guard !path.isEmpty else { throw InputError("the name of a file is empty", hint: advice) }
    var status = stat()
    guard stat(path, &status) == 0 else {
        throw InputError(
            file: path, errno == ENOENT || errno == ENOTDIR ? "no such file" : "cannot be read: \(String(cString: strerror(errno)))",
            hint: advice)
    }
    let kind = status.st_mode & S_IFMT
    guard kind != S_IFDIR else { throw InputError(file: path, "is a folder, not a file", hint: advice) }
    guard kind == S_IFREG else { throw InputError(file: path, "is a device or a pipe, not a file", hint: advice) }
    guard status.st_size <= limit else {
        throw InputError(file: path, "has \(status.st_size) bytes, at most \(limit) can be read", hint: advice)
    }
    func contents() -> Data? {
        guard let prefix else { return FileManager.default.contents(atPath: path) }
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        return try? handle.read(upToCount: prefix) ?? Data()
    }
    guard let data = contents() else {
        throw InputError(file: path, "cannot be read", hint: "check its permissions")
    }
    return data
}

/// Whether a path leads to a regular file, which can be opened without waiting.
package func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}
