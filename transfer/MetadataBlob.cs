namespace Watari.Transfer;

/// <summary>A named piece of metadata that travels before the pages, for instance one file of a CRIU image set.</summary>
/// <param name="Name">Unique in its transfer; at most <see cref="TransferLimits.MaxNameBytes"/> bytes of UTF-8. It is a name, never a path to open.</param>
/// <param name="Content">The bytes.</param>
public readonly record struct MetadataBlob(string Name, ReadOnlyMemory<byte> Content);
