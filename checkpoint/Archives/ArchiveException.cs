namespace Watari.Checkpoint.Archives;

/// <summary>A file is no checkpoint archive, is damaged, or asks for more than a reader gives.</summary>
public sealed class ArchiveException(string reason, Exception? cause = null) : IOException(reason, cause);
