//! Much at once: nothing is lost, or it is said.

use super::*;

/// What hints say of files: names, and directories as a whole.
/// A directory, and a name in it.
type Touched = (Arc<[u8]>, Option<Box<[u8]>>);

fn covers(hints: &BTreeSet<Touched>, file: &Path) -> bool {
    let directory: Arc<[u8]> = bytes(file.parent().unwrap()).into();
    let name = file.file_name().unwrap().as_bytes().into();
    hints.contains(&(Arc::clone(&directory), None)) || hints.contains(&(directory, Some(name)))
}

fn touched(hints: &[Hint]) -> BTreeSet<Touched> {
    let touched = hints.iter().filter_map(|hint| match hint {
        Hint::Touched(directory, name) => Some((Arc::clone(directory), name.clone())),
        _ => None,
    });
    touched.collect()
}

/// Files in new directories, as an archive unpacks.
fn unpack(below: &Path, directories: usize, each: usize) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for directory in 0..directories {
        let directory = below.join(format!("d{}/e{directory}", directory % 7));
        fs::create_dir_all(&directory).unwrap();
        for file in 0..each {
            let file = directory.join(format!("f{file}"));
            fs::write(&file, "x").unwrap();
            files.push(file);
        }
    }
    files
}

#[test]
fn of_two_thousand_files_in_new_directories_each_is_seen() {
    let Some(mut host) = Host::new() else { return };
    let files = unpack(&host.at("root"), 100, 20);
    let hints = host.hints();
    assert!(!hints.contains(&Hint::Overflow));
    let touched = touched(&hints);
    let lost: Vec<_> = files.iter().filter(|file| !covers(&touched, file)).collect();
    assert_eq!(lost, [] as [&PathBuf; 0]);
    assert!(touched.len() <= files.len() + 107 + 7, "each is told once: {}", touched.len());
}

#[test]
fn many_names_in_one_directory_become_the_directory() {
    let Some(mut host) = Host::new() else { return };
    let files = unpack(&host.at("root"), 1, 2_000);
    let touched = touched(&host.hints());
    assert!(files.iter().all(|file| covers(&touched, file)));
    assert!(touched.len() < 10, "{}", touched.len());
}

#[test]
fn a_storm_while_it_is_read_loses_nothing() {
    let Some(mut host) = Host::new() else { return };
    let below = host.at("root");
    let writer = std::thread::spawn(move || unpack(&below, 100, 20));
    let mut hints = Vec::new();
    while !writer.is_finished() {
        hints.extend(host.hints());
    }
    let files = writer.join().unwrap();
    hints.extend(host.hints());
    let touched = touched(&hints);
    // A directory that came while it was read is found by the walk that its parent's hint causes.
    let lost: Vec<_> = files.iter().filter(|file| !covers(&touched, file)).collect();
    assert_eq!(lost, [] as [&PathBuf; 0]);
}

#[test]
fn a_full_queue_says_so() {
    let Some(mut host) = Host::with(Options { queue: Queue::KernelDefault }) else { return };
    let limit = fs::read_to_string("/proc/sys/fs/fanotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    if limit > 65_536 {
        eprintln!("not shown here: fs.fanotify.max_queued_events is {limit}");
        return;
    }
    for file in 0..=limit {
        fs::File::create(host.at("root").join(file.to_string())).unwrap();
    }
    let hints = host.hints();
    assert!(hints.contains(&Hint::Overflow), "{} hints", hints.len());
    fs::write(host.at("root/after"), "x").unwrap();
    assert_eq!(host.hints(), [host.touched("root", "after")], "it goes on after that");
}
