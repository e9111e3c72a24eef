using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>An image set that stock CRIU dumped, with page images of known contents put beside it, in a folder of its own.</summary>
internal sealed class StockImages : IDisposable
{
    public StockImages(string name)
    {
        Folder = Directory.CreateTempSubdirectory("watari-images-").FullName;
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Data", name)))
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        foreach (string file in Directory.GetFiles(Folder, "pagemap-*"))
            WritePages(file);
        Set = CriuImageSetReader.Read(Folder, CriuImageLimits.Default);
        Contents = new DirectoryPageContents(Folder, CriuImageLimits.Default);
    }

    public string Folder { get; }
    public CriuImageSet Set { get; }
    public DirectoryPageContents Contents { get; }

    public Container Parse() => CriuImageParser.Parse(Set, CriuImageLimits.Default);

    public CriuImageSet Build(Container container) => CriuImageBuilder.Build(container, Contents, CriuImageOptions.Default);

    public void Dispose()
    {
        Contents.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Each page holds its own address, so that a page in the wrong place shows.</summary>
    private void WritePages(string pagemap)
    {
        List<CriuImageEntry> entries = CriuImageReader.Read(Path.GetFileName(pagemap), CriuImageKinds.Pagemap, File.ReadAllBytes(pagemap), CriuImageLimits.Default);
        uint id = ((Checkpoint.Images.Proto.PagemapHead)entries[0].Message).PagesId;
        using var pages = new BinaryWriter(File.Create(Path.Combine(Folder, CriuImageKinds.Pages.FileName(id))));
        foreach (CriuImageEntry entry in entries.Skip(1))
        {
            var run = (Checkpoint.Images.Proto.PagemapEntry)entry.Message;
            for (ulong i = 0; i < (ulong)run.NrPages * PageRun.PageSize; i += sizeof(ulong))
                pages.Write(run.Vaddr + i);
        }
    }

    public static TheoryData<string> All => ["kinds", "redis"];
}
