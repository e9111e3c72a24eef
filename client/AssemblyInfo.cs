using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Watari.Client.Tests")]
