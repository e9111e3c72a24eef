using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Whether everything that the model of a container points at is in it.</summary>
internal static class ContainerReferences
{
    /// <exception cref="CriuImageException">Something points at what is not there, or two things bear one id.</exception>
    public static void Check(Container container)
    {
        HashSet<FileId> files = Distinct(container.Files.Select(f => f.Id), CriuImageKinds.Files);
        Distinct(container.DescriptorTables.Select(t => t.Id), CriuImageKinds.Fdinfo);
        Distinct(container.Processes.SelectMany(p => p.Threads).Select(t => t.Tid), CriuImageKinds.Pstree);
        Distinct(container.Pipes.Select(p => p.Id), CriuImageKinds.PipesData);
        Distinct(container.Fifos.Select(p => p.Id), CriuImageKinds.FifoData);
        HashSet<GhostFileId> ghosts = Distinct(container.GhostFiles.Select(g => g.Id), CriuImageKinds.GhostFile);
        HashSet<MemfdInodeId> memfds = Distinct(container.MemfdInodes.Select(m => m.Id), CriuImageKinds.MemfdInode);

        foreach (Descriptor descriptor in container.DescriptorTables.SelectMany(t => t.Descriptors))
            Demand(files.Contains(descriptor.File), CriuImageKinds.Fdinfo, $"descriptor {descriptor.Number} is of file {descriptor.File.Value}");
        foreach (Process process in container.Processes)
        {
            if (process.FileSystem is { } fs)
                Demand(files.Contains(fs.Root) && files.Contains(fs.WorkingDirectory), CriuImageKinds.Fs, $"process {process.Pid} has a root or working directory");
            if (process.Memory is { } memory)
            {
                Demand(files.Contains(memory.Executable), CriuImageKinds.Mm, $"process {process.Pid} runs file {memory.Executable.Value}");
                foreach (VmArea area in memory.Areas)
                    Demand(area.File is not { } file || files.Contains(file), CriuImageKinds.Mm, $"the area at {area.Start:x} of process {process.Pid} maps file {area.File?.Value}");
            }
            foreach (ProcessThread thread in process.Threads)
                Demand(thread.SeccompFilter is not { } filter || filter.Value < container.SeccompFilters.Length, CriuImageKinds.Core, $"thread {thread.Tid} has filter {thread.SeccompFilter?.Value}");
        }
        foreach (OpenFile file in container.Files)
        {
            switch (file)
            {
                case PathFile { Ghost: { } ghost }:
                    Demand(ghosts.Contains(ghost), CriuImageKinds.RemapFpath, $"file {file.Id.Value} is ghost {ghost.Value}");
                    break;
                case Fifo fifo:
                    Demand(files.Contains(fifo.Path), CriuImageKinds.Files, $"the FIFO {file.Id.Value} is opened by file {fifo.Path.Value}");
                    break;
                case MemfdFile memfd:
                    Demand(memfds.Contains(memfd.Inode), CriuImageKinds.Files, $"file {file.Id.Value} is of memfd {memfd.Inode.Value}");
                    break;
            }
        }
    }

    private static HashSet<T> Distinct<T>(IEnumerable<T> ids, CriuImageKind kind)
    {
        var seen = new HashSet<T>();
        foreach (T id in ids)
        {
            if (!seen.Add(id))
                throw new CriuImageException(kind.Stem, $"{id} is there twice");
        }
        return seen;
    }

    private static void Demand(bool holds, CriuImageKind kind, string what)
    {
        if (!holds)
            throw new CriuImageException(kind.Stem, $"{what}, which is not there");
    }
}
