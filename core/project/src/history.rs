//! Undo without limit: every state that a finished edit made is kept, as a value. The values share what the edits
//! between them did not touch, so a step costs about what it changed.

use crate::edit::{Edit, EditError};
use crate::project::Project;
use std::sync::Arc;

/// A state of the project and the edit that made it.
#[derive(Clone, Debug)]
pub struct Step {
    /// For the History panel.
    pub label: String,
    pub project: Arc<Project>,
    /// Differs from that of every other step, also of forgotten ones: what has been saved, shown or sent.
    pub revision: u64,
}

#[derive(Clone, Debug)]
pub struct History {
    /// Oldest first; never empty.
    steps: Vec<Step>,
    at: usize,
    next_revision: u64,
    saved: Option<u64>,
    /// The state and label of a gesture that is going on.
    gesture: Option<(Arc<Project>, String)>,
}

impl History {
    /// Begins with a project that is not on disk yet; see [`History::mark_saved`].
    pub fn new(project: Project, label: impl Into<String>) -> History {
        let first = Step { label: label.into(), project: Arc::new(project), revision: 0 };
        History { steps: vec![first], at: 0, next_revision: 1, saved: None, gesture: None }
    }

    /// What is to be seen: the state of the gesture while one is going on.
    pub fn project(&self) -> &Arc<Project> {
        self.gesture.as_ref().map_or(&self.steps[self.at].project, |(project, _)| project)
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Index of the current step.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn revision(&self) -> u64 {
        self.steps[self.at].revision
    }

    /// Applies an edit as one step. What had been undone is forgotten; an edit that changes nothing is no step.
    /// A gesture that is going on is abandoned.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        self.gesture = None;
        let project = edit.apply(&self.steps[self.at].project)?;
        self.push(Arc::new(project), edit.label());
        Ok(())
    }

    /// Shows an edit that may still change, as while dragging: always applied to the last step. If it is refused,
    /// the gesture stays as it last was.
    pub fn drag(&mut self, edit: &Edit) -> Result<(), EditError> {
        let project = edit.apply(&self.steps[self.at].project)?;
        self.gesture = Some((Arc::new(project), edit.label()));
        Ok(())
    }

    /// Ends the gesture and keeps it as one step.
    pub fn release(&mut self) {
        if let Some((project, label)) = self.gesture.take() {
            self.push(project, label);
        }
    }

    /// Ends the gesture as if it had not been.
    pub fn abandon(&mut self) {
        self.gesture = None;
    }

    /// False at the first step. Like [`History::redo`] and [`History::jump`] it abandons a gesture.
    pub fn undo(&mut self) -> bool {
        self.at.checked_sub(1).is_some_and(|at| self.jump(at))
    }

    /// False at the last step.
    pub fn redo(&mut self) -> bool {
        self.jump(self.at + 1)
    }

    /// Makes a step of [`History::steps`] the current one; false when there is no such step.
    pub fn jump(&mut self, at: usize) -> bool {
        self.gesture = None;
        let there = at < self.steps.len();
        if there {
            self.at = at;
        }
        there
    }

    /// Tells that a revision is on disk.
    pub fn mark_saved(&mut self, revision: u64) {
        self.saved = Some(revision);
    }

    /// Whether the current step is not on disk. Undoing back to what was saved makes it clean again.
    pub fn is_dirty(&self) -> bool {
        self.saved != Some(self.revision())
    }

    fn push(&mut self, project: Arc<Project>, label: String) {
        if project == self.steps[self.at].project {
            return;
        }
        self.steps.truncate(self.at + 1);
        self.steps.push(Step { label, project, revision: self.next_revision });
        self.next_revision += 1;
        self.at = self.steps.len() - 1;
    }
}
