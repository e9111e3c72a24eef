namespace Watari.Disk.Ext4;

/// <summary>How a structure in a block is recognised as whole.</summary>
internal interface IBlockCheck
{
    /// <summary>Which structure it is and where, for an error.</summary>
    string Structure { get; }

    /// <summary>Whether its checksum fits; true where it has none.</summary>
    bool Fits(ReadOnlySpan<byte> block);
}
